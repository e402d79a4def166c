"""auth: accounts and sessions."""

from fastapi import FastAPI

from auth.models import PasswordResetToken, User
from auth.rate_limits import RateLimiter
from auth.routes import router
from auth.settings import AuthSettings
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.service import create_service

listeners = Listeners("auth")


def create_app(settings: AuthSettings | None = None) -> FastAPI:
    app = create_service(
        settings or AuthSettings.read("auth"),
        listeners,
        description="Accounts and sessions: one signed cookie, which every service verifies.",
        documents=[User, PasswordResetToken],
        router=router,
        prefix="/api/users",
    )
    app.state.tries = RateLimiter()
    return app
