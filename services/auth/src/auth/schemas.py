"""What auth's routes take and give."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from ticketing_common.events import Id
from ticketing_common.web.schemas import ApiModel


def _as_address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise PydanticCustomError("invalid_email", "Email must be valid") from None


def _of_whole_characters(secret: SecretStr) -> SecretStr:
    # JSON can carry half a surrogate pair. pydantic refuses it in a str, and not in a secret.
    if any("\ud800" <= character <= "\udfff" for character in secret.get_secret_value()):
        raise PydanticCustomError("invalid_text", "Input should be text")
    return secret


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_as_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]
NewPassword = Annotated[
    SecretStr, Field(min_length=8, max_length=128), AfterValidator(_of_whole_characters)
]
GivenPassword = Annotated[SecretStr, Field(max_length=128), AfterValidator(_of_whole_characters)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class NewAccount(ApiModel):
    email: Email
    password: NewPassword


class Credentials(ApiModel):
    email: Email
    password: GivenPassword


class EmailOnly(ApiModel):
    email: Email


class TokenOnly(ApiModel):
    token: Token | None = None


class PasswordReset(ApiModel):
    token: Token | None = None
    new_password: NewPassword
    repeated_new_password: GivenPassword


class UserOut(ApiModel):
    id: Id
    email: str


class CurrentUserOut(ApiModel):
    current_user: UserOut | None


class MessageOut(ApiModel):
    message: str


class ValidOut(ApiModel):
    valid: bool


class NothingOut(ApiModel):
    """An empty object."""
