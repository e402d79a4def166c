"""The base class of request and response models, and the rules of every text in a request."""

from typing import Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from ticketing_common import text
from ticketing_common.validation_messages import rule_error


def _normalize(value: object) -> object:
    return text.normalize(value) if isinstance(value, str) else value


def _require_plain_text(value: str) -> str:
    if text.has_control(value):
        raise rule_error("control_characters")
    if text.has_bidi_control(value):
        raise rule_error("direction_characters")
    return value


def _require_visible_text(value: str) -> str:
    if not text.is_visible(_require_plain_text(value)):
        raise rule_error("invisible_text")
    return value


Normalized = BeforeValidator(_normalize)
"""Converts a text to NFC. Add it after the limits of the length, which then count the result."""
PlainText = AfterValidator(_require_plain_text)
"""Refuses controls of the terminal and of the direction of text."""
VisibleText = AfterValidator(_require_visible_text)
"""Refuses these and, in addition, text that shows nothing."""


class ApiModel(BaseModel):
    """A request or response body: camelCase in JSON, snake_case in Python."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)

    @classmethod
    def of(cls, source: object) -> Self:
        """Build the model from a document or a domain event."""
        return cls.model_validate(source)
