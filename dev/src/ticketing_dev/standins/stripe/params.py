"""Stripe's parameters: form-encoded, nested by brackets, refused when unknown or ill-typed."""

import re
from typing import TypeAlias
from urllib.parse import parse_qsl

from ticketing_dev.standins.stripe.errors import invalid

Values: TypeAlias = "dict[str, str | Values]"
DEEPEST = 10


def decode(encoded: str) -> Values:
    """`a[b]=1&c[0]=2` as nested dicts; a list is a dict whose keys are its indexes."""
    values: Values = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        *outer, last = [re.split(r"[\[\]]", name, maxsplit=1)[0], *re.findall(r"\[(.*?)\]", name)]
        if len(outer) > DEEPEST:
            raise invalid("Invalid request (the parameters are nested too deeply)")
        group = values
        for part in outer:
            inner = group.setdefault(part or str(len(group)), {})
            if isinstance(inner, str):
                raise invalid(f"Invalid {part}: both a value and a hash were given", param=part)
            group = inner
        group[last or str(len(group))] = value
    return values


class Params:
    """One level of a request's parameters, read by type. Every misfit is Stripe's 400."""

    def __init__(self, values: Values, prefix: str = "") -> None:
        self.values = values
        self.prefix = prefix

    def called(self, name: str) -> str:
        """The parameter's full name, as errors say it."""
        return f"{self.prefix}[{name}]" if self.prefix else name

    def only(self, *known: str) -> None:
        """Refuse whatever this stand-in does not know, so that nothing is ignored in silence."""
        for name in self.values:
            if name not in known:
                raise invalid(
                    f"Received unknown parameter: {self.called(name)}",
                    code="parameter_unknown",
                    param=self.called(name),
                )

    def text(self, name: str) -> str | None:
        """A string that is not empty, or None if it was not given."""
        value = self.values.get(name)
        called = self.called(name)
        if isinstance(value, dict):
            raise invalid("Invalid string", param=called)
        if value is not None and not value.strip():
            raise invalid(
                f"You passed an empty string for '{called}'. We assume empty values are an attempt "
                f"to unset a parameter; however '{called}' cannot be unset. You should remove "
                f"'{called}' from your request or supply a non-empty value.",
                code="parameter_invalid_empty",
                param=called,
            )
        return value

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise invalid(
                f"Missing required param: {self.called(name)}.",
                code="parameter_missing",
                param=self.called(name),
            )
        return value

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is not None and not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise invalid(
                f"Invalid integer: {value}",
                code="parameter_invalid_integer",
                param=self.called(name),
            )
        return None if value is None else int(value)

    def boolean(self, name: str) -> bool:
        value = self.choice(name, "true", "false")
        return value == "true"

    def choice(self, name: str, *options: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in options:
            raise invalid(
                f"Invalid {self.called(name)}: must be one of {', '.join(options)}",
                param=self.called(name),
            )
        return value

    def group(self, name: str) -> "Params | None":
        """A nested hash."""
        value = self.values.get(name)
        if isinstance(value, str):
            raise invalid("Invalid object", param=self.called(name))
        return None if value is None else Params(value, self.called(name))

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        group = self.group(name)
        return [group.required(index) for index in group.values] if group else []

    def metadata(self) -> dict[str, str]:
        """Up to 50 keys of up to 40 characters, with values of up to 500."""
        group = self.group("metadata")
        found: dict[str, str] = {}
        for key, value in (group.values if group else {}).items():
            if not isinstance(value, str):
                raise invalid("Metadata values must be strings", param=f"metadata[{key}]")
            if len(key) > 40:
                raise invalid(
                    f"Metadata keys can have up to 40 characters, but you passed in a key that is "
                    f"{len(key)} characters. Invalid key: {key}",
                    param="metadata",
                )
            if len(value) > 500:
                raise invalid(
                    f"Metadata values can have up to 500 characters, but you passed in a value "
                    f"that is {len(value)} characters. Invalid value: {value}",
                    param="metadata",
                )
            if value:
                found[key] = value
        if len(found) > 50:
            raise invalid("Metadata can have up to 50 keys", param="metadata")
        return found
