"""Generate the .env.example of each service from its settings class.

`python -m ticketing_dev.tools.env_example` writes services/<name>/.env.example.
"""

from importlib import import_module
from pathlib import Path

from pydantic.fields import FieldInfo

from ticketing_common.settings import Settings
from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT

PLACEHOLDERS = {
    "nats_url": "nats://{service}:password@localhost:4222",
    "mongo_uri": "mongodb://localhost:27017/{service}?replicaSet=rs0",
    "redis_url": "redis://localhost:6379/0",
    "jwt_public_keys": """'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"replace"}]}'""",
    "jwt_private_key": """'{"kty":"OKP","crv":"Ed25519","x":"replace","d":"replace"}'""",
    "stripe_key": "sk_test_replace",
    "stripe_webhook_secret": "whsec_replace",
    "sendgrid_key": "SG.replace",
    "sendgrid_email": "tickets@example.com",
    "public_url": "http://localhost:8080",
}
"""Values of the required variables, by field."""


def settings_class(service: str) -> type[Settings]:
    """Return the settings class of a service."""
    module = import_module(f"{service}.settings")
    found: type[Settings] = getattr(module, f"{service.capitalize()}Settings")
    return found


def env_example(service: str) -> str:
    """Return the example: required variables with a placeholder, optional ones commented out."""
    lines = [f"# The environment variables of {service}. Generated from its settings class:"]
    lines.append("# `python -m ticketing_dev.tools.env_example`.")
    for name, field in settings_class(service).model_fields.items():
        lines += ["", f"# {_description(service, name, field)}"]
        if field.is_required():
            lines.append(f"{name.upper()}={PLACEHOLDERS[name].replace('{service}', service)}")
        else:
            lines.append(f"#{name.upper()}={_default(field)}")
    return "\n".join([*lines, ""])


def example_path(service: str) -> Path:
    """Return the path of a service's example."""
    return ROOT / "services" / service / ".env.example"


def _description(service: str, name: str, field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"{service}.settings: {name} has no docstring")
    return " ".join(field.description.split())


def _default(field: FieldInfo) -> str:
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return "" if field.default is None else str(field.default)


if __name__ == "__main__":
    for each in SERVICE_NAMES:
        example_path(each).write_text(env_example(each))
