"""Request and response models of auth."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
)

from auth.password_rules import is_common
from ticketing_common.events import Id
from ticketing_common.text import has_blank, normalize
from ticketing_common.validation_messages import rule_error
from ticketing_common.web.schemas import ApiModel, Normalized


def _normalize_email(text: str) -> str:
    # email_validator refuses formats and controls. Addresses with and without a blank resemble each
    # other.
    if has_blank(text):
        raise rule_error("invalid_email")
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise rule_error("invalid_email") from None


def _refuse_surrogates(secret: SecretStr) -> SecretStr:
    # JSON can contain half of a surrogate pair. pydantic refuses it in a str, not in a SecretStr.
    if any("\ud800" <= character <= "\udfff" for character in secret.get_secret_value()):
        raise rule_error("invalid_text")
    return secret


def _refuse_common(secret: SecretStr) -> SecretStr:
    password = secret.get_secret_value()
    if not password.strip():
        raise rule_error("blank_password")
    if is_common(password):
        raise rule_error("common_password")
    return secret


def _normalize_password(value: object) -> object:
    # Compatible forms are one password too: some keyboards type full-width characters.
    return normalize(value, "NFKC") if isinstance(value, str) else value


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=254),
    Normalized,
    AfterValidator(_normalize_email),
    WithJsonSchema({"type": "string", "format": "email", "minLength": 1, "maxLength": 254}),
]
EnteredPassword = Annotated[
    SecretStr,
    Field(min_length=1, max_length=128),
    BeforeValidator(_normalize_password),
    AfterValidator(_refuse_surrogates),
]
NewPassword = Annotated[
    SecretStr,
    Field(min_length=8, max_length=128),
    BeforeValidator(_normalize_password),
    AfterValidator(_refuse_surrogates),
    AfterValidator(_refuse_common),
]
Token = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern="^[A-Za-z0-9_-]*$")]


class SignUpRequest(ApiModel):
    email: Email
    password: NewPassword


class SignInRequest(ApiModel):
    email: Email
    password: EnteredPassword


class ForgotPasswordRequest(ApiModel):
    email: Email


class ValidateTokenRequest(ApiModel):
    token: Token | None = None


class ResetPasswordRequest(ApiModel):
    token: Token | None = None
    new_password: NewPassword
    repeated_new_password: EnteredPassword


class UserResponse(ApiModel):
    id: Id
    email: str


class CurrentUserResponse(ApiModel):
    current_user: UserResponse | None
    """Null without a valid session."""


class MessageResponse(ApiModel):
    message: str


class ValidateTokenResponse(ApiModel):
    valid: bool


class EmptyResponse(ApiModel):
    """An empty object."""
