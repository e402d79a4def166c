"""The messages of all validation errors, by their code: no client gets one of pydantic's.

A code is pydantic's error type, or one of the rules of this project, which `rule_error` raises.
"""

from typing import Any, Final, LiteralString

from pydantic_core import PydanticCustomError

MESSAGES: Final[dict[str, LiteralString]] = {
    "ambiguous_price": "{text} can mean {thousands} or {decimals}. Write the one that you mean.",
    "blank_password": "Use more than spaces",
    "bool_type": "Use true or false",
    "common_password": "Choose another password: many people use this one",
    "control_characters": "Leave out line breaks and control characters",
    "decimal_max_places": "Use at most {decimal_places} decimals",
    "dict_type": "Send a JSON object",
    "direction_characters": "Leave out the invisible characters that change the direction of text",
    "enum": "Use {expected}",
    "finite_number": "Use a number",
    "greater_than_equal": "Use at least {ge}",
    "int_from_float": "Use a whole number",
    "int_parsing": "Use a whole number",
    "int_parsing_size": "Use a whole number",
    "int_type": "Use a whole number",
    "invalid_email": "Enter an e-mail address, such as ann@example.com",
    "invalid_id": "Use an id of 24 hex digits",
    "invalid_json": "The body is not valid JSON",
    "invalid_text": "Leave out the characters that are not text",
    "invalid_value": "This value is not valid",
    "invisible_text": "Enter text that can be seen",
    "less_than_equal": "Use at most {le}",
    "list_type": "Send a JSON array",
    "missing": "This field is required",
    "model_attributes_type": "Send a JSON object",
    "number_type": "Use a number",
    "other_ticket": "Name the ordered ticket only",
    "price_out_of_range": "Price must be between {minimum} and {maximum}",
    "string_pattern_mismatch": "Leave out the characters that are not allowed here",
    "string_too_long": "Use at most {max_length} characters",
    "string_too_short": "Use at least {min_length} characters",
    "string_type": "Use text",
    "string_unicode": "Leave out the characters that are not text",
    "too_long": "Use at most {max_length} characters",
    "too_short": "Use at least {min_length} characters",
}
"""Values in braces are those of the violated rule."""

REQUIRED: Final[dict[str, LiteralString]] = {
    "email": "Enter your e-mail",
    "newPassword": "Enter a new password",
    "orderId": "Name the order",
    "password": "Enter your password",
    "price": "Enter a price",
    "repeatedNewPassword": "Repeat the new password",
    "ticketId": "Name the ticket",
    "ticketVersions": "Name the ordered ticket and its version",
    "title": "Enter a title",
    "token": "Send the token",
}
"""The messages of fields that are missing, null or empty."""

OF_FIELD: Final[dict[tuple[str, str], LiteralString]] = {
    ("price", "number_type"): "Enter a price in {currency} as a number, such as 1500 or 19.99",
    ("title", "invisible_text"): "Enter a title",
    ("token", "string_pattern_mismatch"): "The token has characters that no token has",
}
"""Messages of single fields, in place of the code's."""


def rule_error(code: LiteralString, **values: Any) -> PydanticCustomError:
    """Return the error of a violated rule, for a validator to raise."""
    return PydanticCustomError(code, MESSAGES[code], values)


def message_of(code: str, field: str | None, value: object, values: dict[str, Any]) -> str:
    """Return the message of a violated rule.

    Args:
        field: The name of the field, without the names of the objects around it.
        value: The value of the field.
        values: The values of the rule, such as `min_length`.
    """
    if field in REQUIRED and _is_required(code, value, values):
        return REQUIRED[field]
    template = OF_FIELD.get((field or "", code)) or MESSAGES.get(code) or MESSAGES["invalid_value"]
    return template.format_map(values)


def _is_required(code: str, value: object, values: dict[str, Any]) -> bool:
    is_empty = value is None or (isinstance(value, str) and not value.strip())
    return code == "missing" or is_empty or values.get("min_length") == 1
