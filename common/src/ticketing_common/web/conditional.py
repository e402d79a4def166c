"""JSON responses with an ETag: a client that has the body already gets a 304."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from fastapi import Request, Response

from ticketing_common.web.headers import request_header

PUBLIC = "no-cache"
"""`Cache-Control` of public responses: a browser stores them and revalidates them each time.

The others are personal: they have `no-store`."""


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A serialized JSON body and its ETag."""

    content: bytes
    etag: str
    """Strong: equal ETags mean equal bytes and an equal `Link` header."""
    link: str | None = None
    """The `Link` header."""

    @classmethod
    def of(cls, text: str, link: str | None = None) -> "JsonBody":
        """Encode a JSON text."""
        content = text.encode()
        identity = content if link is None else content + link.encode()
        return cls(content, f'"{blake2b(identity, digest_size=12).hexdigest()}"', link)


def json_response(
    request: Request, body: JsonBody, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a 200 with the body, or a 304 if `If-None-Match` names its ETag."""
    all_headers = {"ETag": body.etag, **(headers or {})}
    if body.link is not None:
        all_headers["Link"] = body.link
    if _names(request_header(request.scope, b"if-none-match"), body.etag):
        return Response(status_code=304, headers=all_headers)
    return Response(body.content, headers=all_headers, media_type="application/json")


def wants_fresh(request: Request) -> bool:
    """Return whether the client refuses a cached response, as browsers do on a forced reload."""
    return "no-cache" in (request_header(request.scope, b"cache-control") or "")


def _names(if_none_match: str | None, etag: str) -> bool:
    """Compare weakly: a proxy that compresses the body makes a strong ETag weak."""
    if if_none_match is None:
        return False
    named = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return etag in named or named == ["*"]
