"""Keys of session tokens: Ed25519, as JSON Web Keys (RFC 7517, RFC 8037)."""

import base64
import hashlib
import json
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from pydantic import BaseModel


class _PublicKey(BaseModel):
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str | None = None


class _PrivateKey(_PublicKey):
    d: str


class _KeySet(BaseModel):
    keys: list[_PublicKey]


class SigningKey:
    """A private key and its id."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private
        self._x = _encode(private.public_key().public_bytes_raw())
        self.kid = _thumbprint(self._x)

    @classmethod
    def generate(cls) -> "SigningKey":
        """Return a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, jwk: str) -> "SigningKey":
        """Read a JSON Web Key. Raises: ValueError."""
        parsed = _PrivateKey.model_validate_json(jwk)
        key = cls(Ed25519PrivateKey.from_private_bytes(_decode(parsed.d)))
        if parsed.x != key._x or parsed.kid not in (None, key.kid):
            raise ValueError("its parts belong to different keys")
        return key

    def to_json(self) -> str:
        """Return the JSON Web Key, which is secret: the value of JWT_PRIVATE_KEY."""
        d = _encode(self.private.private_bytes_raw())
        return json.dumps(self._public() | {"d": d}, separators=(",", ":"))

    def _public(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": self._x}


def public_key_set(*keys: SigningKey) -> str:
    """Return the public keys as a JSON Web Key Set: the value of JWT_PUBLIC_KEYS."""
    return json.dumps({"keys": [key._public() for key in keys]}, separators=(",", ":"))


def parse_public_keys(jwks: str) -> dict[str, Ed25519PublicKey]:
    """Read a JSON Web Key Set. Returns its keys by id. Raises: ValueError."""
    keys = {}
    for parsed in _KeySet.model_validate_json(jwks).keys:
        kid = _thumbprint(parsed.x)
        if parsed.kid not in (None, kid):
            raise ValueError(f"the kid of a key should be its thumbprint, {kid}")
        keys[kid] = Ed25519PublicKey.from_public_bytes(_decode(parsed.x))
    if not keys:
        raise ValueError("there is no key")
    return keys


def _thumbprint(x: str) -> str:
    """Return the id of a key: its thumbprint by RFC 7638."""
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return _encode(hashlib.sha256(members.encode()).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
