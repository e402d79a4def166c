"""The secrets of a local stack: generated once per data folder, so sessions survive restarts."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Self

from ticketing_common.sessions.keys import SigningKey, public_key_set
from ticketing_ops.errors import DamagedFile, read_json

REMEDY = "Delete it: `ticketing up` generates new secrets, and all sessions end."
"""The way out of a damaged secrets file."""


@dataclass(frozen=True)
class Secrets:
    """Generated secrets in the formats of the real ones."""

    session_key: str = field(default_factory=lambda: SigningKey.generate().to_json())
    """The private key that signs sessions."""
    stripe: str = field(default_factory=lambda: f"sk_test_{token_hex(16)}")
    stripe_webhook: str = field(default_factory=lambda: f"whsec_{token_hex(16)}")
    sendgrid: str = field(default_factory=lambda: f"SG.{token_urlsafe(32)}")
    nats: str = field(default_factory=lambda: token_hex(32))
    """The seed of the NATS users' passwords."""

    @property
    def session_public_keys(self) -> str:
        """The public key that verifies sessions."""
        return public_key_set(SigningKey.parse(self.session_key))

    def nats_password(self, user: str) -> str:
        """Return the password of a NATS user."""
        # A leading letter, because NATS reads the value of a variable as a number where possible.
        return f"n{hashlib.sha256(f'{self.nats} {user}'.encode()).hexdigest()}"

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Read the secrets file; generate missing secrets and store them, readable by its owner.

        Raises: DamagedFile, OSError.
        """
        try:
            stored = read_json(path, REMEDY)
            secrets = cls(**stored)
        except FileNotFoundError:
            stored, secrets = {}, cls()
        except TypeError:
            raise DamagedFile(path, REMEDY) from None
        if asdict(secrets) != stored:  # new, or written before a secret was added
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                json.dump(asdict(secrets), file)
            draft.replace(path)
        return secrets


@dataclass(frozen=True)
class StripeAccount:
    """A developer's own Stripe account in test mode, used instead of the stand-in."""

    key: str
    webhook_secret: str
    publishable_key: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], secrets: Secrets) -> Self | None:
        """Return the account of STRIPE_KEY, or None if it is unset.

        Without STRIPE_WEBHOOK_SECRET no webhook can be verified; payments then polls Stripe.

        Raises:
            ValueError: STRIPE_KEY is a live key.
        """
        key = environ.get("STRIPE_KEY", "")
        if not key:
            return None
        if not key.startswith(("sk_test_", "rk_test_")):
            raise ValueError(
                "STRIPE_KEY is not a test key (sk_test_...). A local stack accepts test keys only."
            )
        return cls(
            key,
            environ.get("STRIPE_WEBHOOK_SECRET") or secrets.stripe_webhook,
            environ.get("STRIPE_PUBLISHABLE_KEY", ""),
        )
