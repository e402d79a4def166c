"""Request and response models of auth."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, SecretStr, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from ticketing_common.events import Id
from ticketing_common.web.schemas import ApiModel


def _normalize_email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise PydanticCustomError("invalid_email", "Email must be valid") from None


def _refuse_surrogates(secret: SecretStr) -> SecretStr:
    # JSON can contain half of a surrogate pair. pydantic refuses it in a str, not in a SecretStr.
    if any("\ud800" <= character <= "\udfff" for character in secret.get_secret_value()):
        raise PydanticCustomError("invalid_text", "Input should be text")
    return secret


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_normalize_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]
NewPassword = Annotated[
    SecretStr, Field(min_length=8, max_length=128), AfterValidator(_refuse_surrogates)
]
EnteredPassword = Annotated[SecretStr, Field(max_length=128), AfterValidator(_refuse_surrogates)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=128)]


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
