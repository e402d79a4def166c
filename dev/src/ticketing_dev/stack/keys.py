"""The secrets of a local stack: made up once, then kept, or a restart would sign all out."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Self


@dataclass(frozen=True)
class Keys:
    """Keys in the forms that the real ones have."""

    jwt: str = field(default_factory=lambda: token_urlsafe(48))
    stripe: str = field(default_factory=lambda: f"sk_test_{token_hex(16)}")
    stripe_webhook: str = field(default_factory=lambda: f"whsec_{token_hex(16)}")
    sendgrid: str = field(default_factory=lambda: f"SG.{token_urlsafe(32)}")
    nats: str = field(default_factory=lambda: token_hex(32))
    """What the passwords of NATS' users are made of."""

    def nats_password(self, user: str) -> str:
        """That of one of NATS' users."""
        # With a letter in front: NATS reads what it is told by a variable as a number if it can.
        return f"n{hashlib.sha256(f'{self.nats} {user}'.encode()).hexdigest()}"

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """The keys of this file, which is made if it is missing and readable by its owner alone."""
        try:
            stored = json.loads(path.read_text())
        except FileNotFoundError:
            stored = {}
        keys = cls(**stored)
        if asdict(keys) != stored:  # it is new, or older than one of the keys
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                json.dump(asdict(keys), file)
            draft.replace(path)
        return keys


@dataclass(frozen=True)
class StripeAccount:
    """A developer's own account at Stripe, in test mode, instead of the stand-in."""

    key: str
    webhook_secret: str
    publishable_key: str = ""

    @classmethod
    def named_in(cls, environ: Mapping[str, str], keys: Keys) -> Self | None:
        """The account that STRIPE_KEY names, if it does. Raises ValueError for a live one.

        Without STRIPE_WEBHOOK_SECRET nobody can sign a webhook; payments then asks by itself.
        """
        key = environ.get("STRIPE_KEY", "")
        if not key:
            return None
        if not key.startswith(("sk_test_", "rk_test_")):
            raise ValueError(
                "STRIPE_KEY is no test key (sk_test_...): a local market takes no money"
            )
        return cls(
            key,
            environ.get("STRIPE_WEBHOOK_SECRET") or keys.stripe_webhook,
            environ.get("STRIPE_PUBLISHABLE_KEY", ""),
        )
