"""Routes of auth: accounts and sessions."""

from typing import Annotated

from beanie import PydanticObjectId
from fastapi import APIRouter, Query, Request, Response
from pydantic import SecretStr
from pymongo.errors import DuplicateKeyError

from auth.devices import email_key, guesses_key, read_device, set_device
from auth.ended_sessions import end_all_sessions, end_session
from auth.models import (
    EmailInUse,
    InvalidCredentials,
    PasswordFromEmail,
    PasswordResetToken,
    PasswordsDoNotMatch,
    TokenExpired,
    User,
)
from auth.password_rules import is_of_email
from auth.passwords import TooManySignIns, hash_password, needs_upgrade, verify_password
from auth.reset_requests import ResetRequests
from auth.schemas import (
    CurrentUserResponse,
    EmptyResponse,
    ForgotPasswordRequest,
    MessageResponse,
    ResetPasswordRequest,
    SignInRequest,
    SignUpRequest,
    Token,
    UserResponse,
    ValidateTokenRequest,
    ValidateTokenResponse,
)
from auth.settings import AuthSettings
from ticketing_common.errors import Conflict, NotFound
from ticketing_common.events import (
    UserChangedPassword,
    UserSignedIn,
    UserSignedUp,
    utc_now,
)
from ticketing_common.limits.requests import Limits
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_common.sessions.tokens import Session, TokenSigner
from ticketing_common.validation_messages import REQUIRED
from ticketing_common.web.conditional import JsonBody, json_response
from ticketing_common.web.middleware.concurrency_limit import uncounted
from ticketing_common.web.openapi import InvalidRequest, error_responses
from ticketing_common.web.rendering import render_text
from ticketing_common.web.sessions import (
    CurrentSession,
    OptionalSession,
    Sessions,
)

router = APIRouter(tags=["users"])

WRONG_PASSWORDS, RESET_MAILS = "wrong_passwords_by_email", "reset_mails_by_email"

QueryToken = Annotated[
    Token | None,
    Query(alias="token", deprecated=True, description="Send the token in the body instead."),
]


@router.post(
    "/signup",
    status_code=201,
    responses=error_responses(EmailInUse, PasswordFromEmail, TooManySignIns),
)
async def sign_up(payload: SignUpRequest, request: Request, response: Response) -> UserResponse:
    """Create an account and start a session."""
    _require_other_than_email(payload.password, payload.email, "password")
    with uncounted(request.scope):
        password_hash = await hash_password(payload.password.get_secret_value())
    device = read_device(request)
    user = await _create_user(payload.email, password_hash, device)
    _start_session(user, request, response)
    set_device(device, request, response)
    return UserResponse.of(user)


@transactional
async def _create_user(email: str, password_hash: str, device: str) -> User:
    now = utc_now()
    user = User(email=email, password_hash=password_hash, created_at=now, sessions_changed_at=now)
    user.add_device(device)
    try:
        await user.insert()
    except DuplicateKeyError:
        raise EmailInUse(field="email") from None
    await outbox.add(UserSignedUp.of(user))
    return user


@router.post("/signin", responses=error_responses(InvalidCredentials, TooManySignIns))
async def sign_in(
    payload: SignInRequest, request: Request, response: Response, limits: Limits
) -> UserResponse:
    """Start a session.

    After 10 wrong passwords for one e-mail address within 5 minutes, further attempts get a 429.
    Those from a browser in which the user has signed in before are counted apart.
    """
    user = await User.find_by_email(payload.email)
    guesses = guesses_key(payload.email, user, request)
    await limits.check(WRONG_PASSWORDS, guesses)
    password_hash = user.password_hash if user is not None else None
    with uncounted(request.scope):
        matches = await verify_password(payload.password.get_secret_value(), password_hash)
    if user is None or not matches:
        await limits.hit(WRONG_PASSWORDS, guesses)
        raise InvalidCredentials
    new_hash = None
    if needs_upgrade(user.password_hash):
        with uncounted(request.scope):
            new_hash = await hash_password(payload.password.get_secret_value())
    # Wrong passwords of concurrent requests may have been counted since the first check.
    await limits.check(WRONG_PASSWORDS, guesses)
    device = read_device(request)
    try:
        user = await _record_sign_in(user, device, new_hash)
    except Conflict:  # another sign-in, or the password was changed since it was verified
        user = await _record_sign_in_of(payload.email, user.password_hash, device, new_hash)
    _start_session(user, request, response)
    set_device(device, request, response)
    return UserResponse.of(user)


@transactional
async def _record_sign_in_of(
    email: str, password_hash: str, device: str, new_hash: str | None
) -> User:
    user = await User.find_by_email(email)
    if user is None or user.password_hash != password_hash:
        raise InvalidCredentials
    return await _record_sign_in(user, device, new_hash)


@transactional
async def _record_sign_in(read: User, device: str, new_hash: str | None) -> User:
    """Record it if nothing has changed the user since it was read. Raises: Conflict."""
    user: User = read.model_copy()  # the transaction may run again
    user.password_hash = new_hash or user.password_hash
    user.advance_session_time()
    user.add_device(device)
    await user.save()
    await outbox.add(UserSignedIn.of(user))
    return user


@router.post("/signout")
async def sign_out(request: Request, response: Response) -> EmptyResponse:
    """End the session of this browser, in every service. Needs no session."""
    sessions: Sessions = request.app.state.sessions
    for session in await sessions.all_of(request):
        await _end_session(session)
    _clear_session(request, response)
    return EmptyResponse()


@transactional
async def _end_session(session: Session) -> None:
    user = await User.get(PydanticObjectId(session.user.id))
    if user is not None:
        await end_session(user, session)


@router.post("/signout-everywhere")
async def sign_out_everywhere(
    request: Request, response: Response, session: CurrentSession
) -> EmptyResponse:
    """End all sessions of the user, in every service."""
    await _end_all_sessions(session.user.id)
    _clear_session(request, response)
    return EmptyResponse()


@transactional
async def _end_all_sessions(user_id: str) -> None:
    user = await User.get(PydanticObjectId(user_id))
    if user is not None:
        await end_all_sessions(user)


@router.get("/currentuser", response_model=CurrentUserResponse)
async def get_current_user(request: Request, session: OptionalSession) -> Response:
    """Return the signed-in user, null without a valid session.

    A session whose token is older than an hour gets a new one in the cookie, which is valid for 24
    hours, but no longer than 30 days after the sign-in.
    """
    renewed = None
    if session is not None and session.is_due_for_renewal:
        session = renewed = await _renew(session)
    user = None if session is None else session.user
    shown = "null" if user is None else f'{{"id":"{user.id}","email":{render_text(user.email)}}}'
    response = json_response(request, JsonBody.of(f'{{"currentUser":{shown}}}'))
    if renewed is not None:
        _set_session(renewed, request, response)
    return response


async def _renew(session: Session) -> Session | None:
    """Return the session with a new token, None if its user is gone."""
    user = await User.get(PydanticObjectId(session.user.id))
    if user is None:
        return None
    return Session.issue(user.session_user, session.id, session.began_at)


@router.post("/forgot-password")
async def request_password_reset(
    payload: ForgotPasswordRequest, request: Request, limits: Limits
) -> MessageResponse:
    """Send a mail with a reset token if there is an account with this address.

    The response is the same if there is none. More than 5 requests for one e-mail address within
    15 minutes get a 429.
    """
    await limits.hit(RESET_MAILS, email_key(payload.email))
    requests: ResetRequests = request.app.state.reset_requests
    await requests.add(payload.email)
    return MessageResponse(message="Reset email sent")


@router.post("/validate-token", responses=error_responses(TokenExpired, NotFound))
async def validate_reset_token(
    query_token: QueryToken = None, payload: ValidateTokenRequest | None = None
) -> ValidateTokenResponse:
    """Check whether a reset token can still be used."""
    token = query_token or (payload.token if payload is not None else None)
    await PasswordResetToken.find_valid(_require_token(token))
    return ValidateTokenResponse(valid=True)


@router.post(
    "/reset-password",
    responses=error_responses(
        PasswordsDoNotMatch, PasswordFromEmail, TokenExpired, NotFound, TooManySignIns
    ),
)
async def reset_password(
    payload: ResetPasswordRequest,
    request: Request,
    response: Response,
    limits: Limits,
    query_token: QueryToken = None,
) -> EmptyResponse:
    """Set a new password and end all earlier sessions of the user, in every service.

    Wrong passwords that were counted before are forgotten, and the browser is known from now on.
    """
    token = _require_token(query_token or payload.token)
    password = payload.new_password.get_secret_value()
    if password != payload.repeated_new_password.get_secret_value():
        raise PasswordsDoNotMatch(field="repeatedNewPassword")
    reset_token = await PasswordResetToken.find_valid(token)  # an invalid one costs no hash
    user = await User.get(reset_token.user_id)
    if user is not None:
        _require_other_than_email(payload.new_password, user.email, "newPassword")
    with uncounted(request.scope):
        password_hash = await hash_password(password)
    device = read_device(request)
    email = await _change_password(token, password_hash, device)
    await limits.clear(WRONG_PASSWORDS, email_key(email))
    set_device(device, request, response)
    _clear_session(request, response)
    return EmptyResponse()


@transactional
async def _change_password(token: str, password_hash: str, device: str) -> str:
    """Return the e-mail address of the token's user."""
    reset_token = await PasswordResetToken.find_valid(token)
    user = await User.get(reset_token.user_id)
    if user is None:
        raise NotFound
    await PasswordResetToken.find({"user_id": user.id}).delete()
    user.password_hash = password_hash
    user.add_device(device)
    changed_at = user.advance_session_time()
    await user.save()
    await outbox.add(UserChangedPassword.of(user, changed_at=changed_at))
    await end_all_sessions(user)
    return user.email


def _require_other_than_email(password: SecretStr, email: str, field: str) -> None:
    if is_of_email(password.get_secret_value(), email):
        raise PasswordFromEmail(field=field)


def _require_token(token: str | None) -> str:
    if token is None:
        raise InvalidRequest(REQUIRED["token"], field="token")
    return token


def _start_session(user: User, request: Request, response: Response) -> None:
    # The session begins at the committed sign-in, so a later password change ends it.
    session = Session.issue(user.session_user, str(PydanticObjectId()), user.sessions_changed_at)
    _set_session(session, request, response)


def _set_session(session: Session, request: Request, response: Response) -> None:
    sessions: Sessions = request.app.state.sessions
    signer: TokenSigner = request.app.state.token_signer
    settings: AuthSettings = request.app.state.settings
    response.set_cookie(
        sessions.cookie,
        signer.sign(session),
        max_age=int((session.expires_at - session.issued_at).total_seconds()),
        httponly=True,
        secure=settings.cookie_secure,
        samesite="lax",
    )


def _clear_session(request: Request, response: Response) -> None:
    sessions: Sessions = request.app.state.sessions
    settings: AuthSettings = request.app.state.settings
    response.delete_cookie(
        sessions.cookie, httponly=True, secure=settings.cookie_secure, samesite="lax"
    )
