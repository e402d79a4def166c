"""auth: accounts and sessions."""

from fastapi import FastAPI

from auth.models import PasswordResetToken, User
from auth.rate_limits import RateLimiter
from auth.routes import router
from auth.settings import AuthSettings
from ticketing_common.service import create_service


def create_app(settings: AuthSettings | None = None) -> FastAPI:
    """Create the application. Without settings, read them from the environment."""
    app = create_service(
        "auth",
        settings or AuthSettings.read("auth"),
        description="Accounts and sessions: a signed cookie that every service verifies.",
        documents=[User, PasswordResetToken],
        router=router,
        prefix="/api/users",
    )
    app.state.rate_limiter = RateLimiter()
    return app
