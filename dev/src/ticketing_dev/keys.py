"""The secrets of a local stack: made up once, then kept, or a restart would sign all out."""

import json
import os
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

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """The keys of this file, which is made if it is missing and readable by its owner alone."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            keys = cls()
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(keys), file)
        return keys
