"""Session tokens: JWTs that auth signs and every service verifies."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field

from ticketing_common.events import Id
from ticketing_common.observability import metrics
from ticketing_common.sessions.keys import SigningKey

ISSUER, AUDIENCE, ALGORITHM = "ticketing-auth", "ticketing", "EdDSA"
TOKEN_AGE = timedelta(hours=24)
RENEWAL_AGE = timedelta(hours=1)
"""auth renews a token that is older."""
SESSION_AGE = timedelta(days=30)
"""No token of a session is valid for longer after its sign-in."""
LEEWAY = timedelta(seconds=30)
"""For differences between the clocks of replicas."""
NOTICED_SKEW = timedelta(seconds=1)
MAX_VERIFIED = 10_000
"""Verified tokens that a process remembers: about 10 MiB."""

Role = Literal["user", "admin"]


class SessionUser(BaseModel):
    """The user of a session."""

    id: Id
    email: str
    role: Role = "user"


@dataclass(frozen=True)
class Session:
    """A session as its token shows it."""

    user: SessionUser
    id: str
    began_at: datetime
    """The time of the sign-in."""
    issued_at: datetime
    """The time of the token, which can be renewed."""
    expires_at: datetime

    @classmethod
    def issue(cls, user: SessionUser, session_id: str, began_at: datetime) -> "Session":
        """Return the session with a token of now, at most 30 days after it began."""
        now = datetime.now(UTC)
        expires_at = min(now + TOKEN_AGE, began_at + SESSION_AGE)
        return cls(user, session_id, began_at, now, expires_at)

    @property
    def is_due_for_renewal(self) -> bool:
        now = datetime.now(UTC)
        return now - self.issued_at > RENEWAL_AGE and now < self.began_at + SESSION_AGE


_Seconds = Annotated[float, Field(ge=0, lt=2**33, allow_inf_nan=False)]


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True)

    iss: Literal["ticketing-auth"]
    aud: Literal["ticketing"]
    sub: Id
    email: str
    role: Role
    sid: Id
    auth_time: _Seconds
    iat: _Seconds
    exp: _Seconds


class TokenSigner:
    """Signs tokens. Only auth has the key."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def sign(self, session: Session) -> str:
        """Return the token of a session."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": session.user.id,
            "email": session.user.email,
            "role": session.user.role,
            "sid": session.id,
            # With fractions: a session that begins right after a password change is valid.
            "auth_time": session.began_at.timestamp(),
            "iat": session.issued_at.timestamp(),
            "exp": session.expires_at.timestamp(),
        }
        return jwt.encode(claims, self._key.private, ALGORITHM, {"kid": self._key.kid})


class TokenVerifier:
    """Verifies tokens. A signature that was verified is not verified again."""

    def __init__(
        self, public_keys: dict[str, Ed25519PublicKey], max_verified: int = MAX_VERIFIED
    ) -> None:
        self._keys = public_keys
        self._max_verified = max_verified
        self._verified: dict[bytes, Session] = {}
        """By a digest of the token, so that the memory holds no token."""

    def verify(self, token: str) -> Session | None:
        """Return the session, None for an invalid or expired token."""
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        session = self._verified.get(digest) or self._decode(token)
        now = datetime.now(UTC)
        if session is None or now > session.expires_at + LEEWAY:
            self._verified.pop(digest, None)
            return None
        if digest not in self._verified:
            if not _is_issued(session, now):
                return None
            while len(self._verified) >= self._max_verified:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = session
        return session

    def _decode(self, token: str) -> Session | None:
        try:
            key = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                return None
            payload = jwt.PyJWS().decode(token, key, [ALGORITHM])
            claims = _Claims.model_validate_json(payload)
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None
        return Session(
            SessionUser(id=claims.sub, email=claims.email, role=claims.role),
            claims.sid,
            datetime.fromtimestamp(claims.auth_time, UTC),
            datetime.fromtimestamp(claims.iat, UTC),
            datetime.fromtimestamp(claims.exp, UTC),
        )


def _is_issued(session: Session, now: datetime) -> bool:
    """Return whether the token's time has come by this process's clock, and count differences."""
    is_valid = session.issued_at <= now + LEEWAY
    if session.issued_at > now + NOTICED_SKEW:
        metrics.TOKENS_FROM_FUTURE.labels("accepted" if is_valid else "refused").inc()
    return is_valid
