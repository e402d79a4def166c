"""Request parameters: form-encoded, nested by brackets; unknown and invalid ones are errors."""

import re
from typing import TypeAlias
from urllib.parse import parse_qsl

from ticketing_dev.standins.stripe.api.errors import invalid_request

Values: TypeAlias = "dict[str, str | Values]"
MAX_DEPTH = 10


def decode(encoded: str) -> Values:
    """Decode `a[b]=1&c[0]=2` to nested dicts; the keys of a list are its indexes."""
    values: Values = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        *outer, last = [re.split(r"[\[\]]", name, maxsplit=1)[0], *re.findall(r"\[(.*?)\]", name)]
        if len(outer) > MAX_DEPTH:
            raise invalid_request("Invalid request (the parameters are nested too deeply)")
        group = values
        for step in outer:
            inner = group.setdefault(step or str(len(group)), {})
            if isinstance(inner, str):
                raise invalid_request(
                    f"Invalid {step}: both a value and a hash were given", param=step
                )
            group = inner
        group[last or str(len(group))] = value
    return values


class Params:
    """One level of parameters, read by type. Methods raise StripeError for invalid values."""

    def __init__(self, values: Values, prefix: str = "") -> None:
        self.values = values
        self.prefix = prefix

    def full_name(self, name: str) -> str:
        """Return the full name of a parameter, for errors."""
        return f"{self.prefix}[{name}]" if self.prefix else name

    def only(self, *known: str) -> None:
        """Raise for a parameter not in `known`, so that none is ignored silently."""
        for name in self.values:
            if name not in known:
                raise invalid_request(
                    f"Received unknown parameter: {self.full_name(name)}",
                    code="parameter_unknown",
                    param=self.full_name(name),
                )

    def text(self, name: str) -> str | None:
        """Return a non-empty string, or None if it is missing."""
        value = self.values.get(name)
        full_name = self.full_name(name)
        if isinstance(value, dict):
            raise invalid_request("Invalid string", param=full_name)
        if value is not None and not value.strip():
            raise invalid_request(
                f"You passed an empty string for '{full_name}'. We assume empty values are an "
                f"attempt to unset a parameter; however '{full_name}' cannot be unset. You should "
                f"remove '{full_name}' from your request or supply a non-empty value.",
                code="parameter_invalid_empty",
                param=full_name,
            )
        return value

    def required(self, name: str) -> str:
        """Return a non-empty string; raise if it is missing."""
        value = self.text(name)
        if value is None:
            raise invalid_request(
                f"Missing required param: {self.full_name(name)}.",
                code="parameter_missing",
                param=self.full_name(name),
            )
        return value

    def integer(self, name: str) -> int | None:
        """Return an integer, or None if it is missing."""
        value = self.text(name)
        if value is not None and not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise invalid_request(
                f"Invalid integer: {value}",
                code="parameter_invalid_integer",
                param=self.full_name(name),
            )
        return None if value is None else int(value)

    def boolean(self, name: str) -> bool:
        """Return a boolean; False if it is missing."""
        value = self.choice(name, "true", "false")
        return value == "true"

    def choice(self, name: str, *options: str) -> str | None:
        """Return one of the options, or None if it is missing."""
        value = self.text(name)
        if value is not None and value not in options:
            raise invalid_request(
                f"Invalid {self.full_name(name)}: must be one of {', '.join(options)}",
                param=self.full_name(name),
            )
        return value

    def group(self, name: str) -> "Params | None":
        """Return a nested hash, or None if it is missing."""
        value = self.values.get(name)
        if isinstance(value, str):
            raise invalid_request("Invalid object", param=self.full_name(name))
        return None if value is None else Params(value, self.full_name(name))

    def texts(self, name: str) -> list[str]:
        """Return a list of strings."""
        group = self.group(name)
        return [group.required(index) for index in group.values] if group else []

    def metadata(self) -> dict[str, str]:
        """Return `metadata`: up to 50 keys of 40 characters, with values of 500."""
        group = self.group("metadata")
        metadata: dict[str, str] = {}
        for key, value in (group.values if group else {}).items():
            if not isinstance(value, str):
                raise invalid_request("Metadata values must be strings", param=f"metadata[{key}]")
            if len(key) > 40:
                raise invalid_request(
                    f"Metadata keys can have up to 40 characters, but you passed in a key that is "
                    f"{len(key)} characters. Invalid key: {key}",
                    param="metadata",
                )
            if len(value) > 500:
                raise invalid_request(
                    f"Metadata values can have up to 500 characters, but you passed in a value "
                    f"that is {len(value)} characters. Invalid value: {value}",
                    param="metadata",
                )
            if value:
                metadata[key] = value
        if len(metadata) > 50:
            raise invalid_request("Metadata can have up to 50 keys", param="metadata")
        return metadata
