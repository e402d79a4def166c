"""auth: accounts and sessions."""

from fastapi import FastAPI

from auth.ended_sessions import SessionCutoff, StoredEndedSessions
from auth.models import PasswordResetToken, User
from auth.reset_requests import ResetRequest, ResetRequests, running_reset_requests
from auth.routes import router
from auth.settings import AuthSettings
from ticketing_common.service import create_service
from ticketing_common.sessions.keys import SigningKey
from ticketing_common.sessions.tokens import TokenSigner

ADDRESS_LIMITS = {
    "POST /api/users/signin": "sign_ins_by_address",
    "POST /api/users/signup": "sign_ups_by_address",
    "POST /api/users/forgot-password": "reset_mails_by_address",
    "POST /api/users/validate-token": "tokens_by_address",
    "POST /api/users/reset-password": "tokens_by_address",
}


def create_app(settings: AuthSettings | None = None) -> FastAPI:
    """Create the application. Without settings, read them from the environment."""
    settings = settings or AuthSettings.read("auth")
    app = create_service(
        "auth",
        settings,
        description="Accounts and sessions: a signed cookie that every service verifies.",
        documents=[User, PasswordResetToken, ResetRequest, SessionCutoff],
        router=router,
        prefix="/api/users",
        address_limits=ADDRESS_LIMITS,
        ended_sessions=StoredEndedSessions(),
        background_work=running_reset_requests,
    )
    app.state.token_signer = TokenSigner(
        SigningKey.parse(settings.jwt_private_key.get_secret_value())
    )
    app.state.reset_requests = ResetRequests()
    return app
