"""Accounts and sessions."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pymongo.errors import DuplicateKeyError

from auth import passwords, rate_limits
from auth.models import (
    EmailInUse,
    InvalidCredentials,
    PasswordResetToken,
    PasswordsDoNotMatch,
    TokenExpired,
    User,
)
from auth.schemas import (
    Credentials,
    CurrentUserOut,
    EmailOnly,
    MessageOut,
    NewAccount,
    NothingOut,
    PasswordReset,
    Token,
    TokenOnly,
    UserOut,
    ValidOut,
)
from auth.settings import AuthSettings
from ticketing_common.errors import NotFound, RateLimited
from ticketing_common.events import (
    ResetToken,
    UserChangedPassword,
    UserForgotPassword,
    UserSignedIn,
    UserSignedUp,
    utc_now,
)
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.openapi import InvalidRequest, error_responses
from ticketing_common.web.sessions import (
    COOKIE,
    SESSION_AGE,
    OptionalUser,
    Sessions,
    SessionUser,
    end_sessions,
)

router = APIRouter(tags=["users"])

TokenInQuery = Annotated[Token | None, Query(alias="token")]


@router.post("/signup", status_code=201, responses=error_responses(EmailInUse))
async def sign_up(account: NewAccount, request: Request, response: Response) -> UserOut:
    """Make an account and sign in."""
    password_hash = await passwords.hashed(account.password.get_secret_value())
    user = await _create(account.email, password_hash)
    _begin_session(user, request, response)
    return UserOut.of(user)


@transactional
async def _create(email: str, password_hash: str) -> User:
    now = utc_now()
    user = User(email=email, password_hash=password_hash, created_at=now, signed_in_at=now)
    try:
        await user.insert()
    except DuplicateKeyError:
        raise EmailInUse(field="email") from None
    await outbox.add(UserSignedUp.of(user))
    return user


@router.post("/signin", responses=error_responses(InvalidCredentials, RateLimited))
async def sign_in(credentials: Credentials, request: Request, response: Response) -> UserOut:
    """Begin a session."""
    allowed: rate_limits.RateLimiter = request.app.state.tries
    await allowed.check(rate_limits.WRONG_PASSWORDS, credentials.email)
    user = await User.known_as(credentials.email)
    password_hash = user.password_hash if user is not None else None
    if not await passwords.matches(credentials.password.get_secret_value(), password_hash):
        await allowed.use(rate_limits.WRONG_PASSWORDS, credentials.email)
        raise InvalidCredentials
    # Of many guesses at once the wrong ones have been counted only now.
    await allowed.check(rate_limits.WRONG_PASSWORDS, credentials.email)
    user = await _note_sign_in(credentials.email, password_hash)
    _begin_session(user, request, response)
    return UserOut.of(user)


@transactional
async def _note_sign_in(email: str, password_hash: str | None) -> User:
    user = await User.known_as(email)
    if user is None or user.password_hash != password_hash:  # it was changed meanwhile
        raise InvalidCredentials
    user.next_moment()
    await user.save()
    await outbox.add(UserSignedIn.of(user))
    return user


@router.post("/signout")
async def sign_out(request: Request, response: Response) -> NothingOut:
    """End the session of this browser."""
    _clear_session(request, response)
    return NothingOut()


@router.get("/currentuser")
async def current_user(user: OptionalUser) -> CurrentUserOut:
    """Who is signed in, if anybody is."""
    return CurrentUserOut(current_user=UserOut.of(user) if user is not None else None)


@router.post("/forgot-password", responses=error_responses(RateLimited))
async def forgot_password(asked: EmailOnly, request: Request) -> MessageOut:
    """Send a mail with a token, if there is such a user. The answer does not tell."""
    allowed: rate_limits.RateLimiter = request.app.state.tries
    await allowed.use(rate_limits.RESET_MAILS, asked.email)
    await _grant_reset(asked.email)
    return MessageOut(message="Reset email sent")


@transactional
async def _grant_reset(email: str) -> None:
    user = await User.known_as(email)
    if user is None:
        return
    grant, token = PasswordResetToken.issue(user)
    await grant.insert()
    await user.next_version()
    secret = ResetToken.model_validate({"value": token, "expiresAt": grant.expires_at})
    await outbox.add(UserForgotPassword.of(user, token=secret))


@router.post("/validate-token", responses=error_responses(TokenExpired, NotFound))
async def validate_token(
    in_query: TokenInQuery = None,
    in_body: TokenOnly | None = None,
) -> ValidOut:
    """Whether a token from a mail can still be used."""
    await PasswordResetToken.of_token(_one_token(in_query, in_body))
    return ValidOut(valid=True)


@router.post(
    "/reset-password", responses=error_responses(PasswordsDoNotMatch, TokenExpired, NotFound)
)
async def reset_password(
    reset: PasswordReset,
    request: Request,
    response: Response,
    in_query: TokenInQuery = None,
) -> NothingOut:
    """Choose a new password. Every earlier session of the user ends, everywhere."""
    token = _one_token(in_query, reset)
    password = reset.new_password.get_secret_value()
    if password != reset.repeated_new_password.get_secret_value():
        raise PasswordsDoNotMatch(field="repeatedNewPassword")
    await PasswordResetToken.of_token(token)  # before a hash is made for nothing
    await _change_password(token, await passwords.hashed(password))
    _clear_session(request, response)
    return NothingOut()


@transactional
async def _change_password(token: str, password_hash: str) -> None:
    grant = await PasswordResetToken.of_token(token)
    user = await User.get(grant.user_id)
    if user is None:
        raise NotFound
    await PasswordResetToken.find({"user_id": user.id}).delete()
    user.password_hash, changed_at = password_hash, user.next_moment()
    await user.save()
    await end_sessions(user.user_id, changed_at)
    await outbox.add(UserChangedPassword.of(user, changed_at=changed_at))


def _one_token(in_query: str | None, body: TokenOnly | PasswordReset | None) -> str:
    token = in_query or (body.token if body is not None else None)
    if token is None:
        raise InvalidRequest(field="token")
    return token


def _begin_session(user: User, request: Request, response: Response) -> None:
    sessions: Sessions = request.app.state.sessions
    settings: AuthSettings = request.app.state.settings
    # It began when the sign-in was committed: a change of password after that ends it.
    session = sessions.issue(SessionUser(id=user.user_id, email=user.email), user.signed_in_at)
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(SESSION_AGE.total_seconds()),
        httponly=True,
        secure=settings.cookie_secure,
        samesite="lax",
    )


def _clear_session(request: Request, response: Response) -> None:
    settings: AuthSettings = request.app.state.settings
    response.delete_cookie(COOKIE, httponly=True, secure=settings.cookie_secure, samesite="lax")
