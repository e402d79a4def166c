"""The `Idempotency-Key` header: a repeated request gets the stored response."""

import hashlib
import re
from datetime import timedelta
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends
from pydantic import BaseModel
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, PyMongoError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.errors import BadRequest, Conflict, ServiceError, Unavailable
from ticketing_common.events import utc_now
from ticketing_common.limits.requests import request_limits
from ticketing_common.persistence.database import database, is_unavailable
from ticketing_common.persistence.transaction import current_transaction
from ticketing_common.web.error_handlers import error_response
from ticketing_common.web.headers import request_header
from ticketing_common.web.middleware.body_limit import receive_body
from ticketing_common.web.middleware.origin_check import MUTATING_METHODS
from ticketing_common.web.sessions import Sessions

HEADER = "Idempotency-Key"
RETENTION = timedelta(days=1)
INDEXES = [IndexModel("claimed_at", expireAfterSeconds=int(RETENTION.total_seconds()))]

LEASE = timedelta(seconds=60)
"""A request whose process died before it stored a response may run again after this time."""

_VALID_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_NOT_STORED = {202, 401, 403, 404, 409, 413, 429}
"""Statuses of responses that may differ when the same request is repeated."""


class InvalidIdempotencyKey(BadRequest):
    """The key has unsupported characters or is too long."""

    code = "invalid_idempotency_key"
    message = "Idempotency-Key should be 1 to 255 visible characters"


class IdempotencyKeyReused(BadRequest):
    """The key was sent with another request before."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request. Choose a new one."


class RequestInProgress(Conflict):
    """The first request with this key has no response yet. Try again soon."""

    code = "request_in_progress"
    message = "The first request with this key is still in progress. Try again soon."


def keys() -> AsyncCollection[dict[str, Any]]:
    """Return the collection of keys: one row per user and key, with the response once known."""
    return database()["idempotency_keys"]


class IdempotencyMiddleware:
    """Store the response of a mutating request with a key, and repeat it.

    A transactional route stores its response itself, with `Idempotency.store`: a crash can then not
    separate the change from the stored response. Other responses are stored here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in MUTATING_METHODS:
            await self._app(scope, receive, send)
            return
        key = request_header(scope, HEADER.lower().encode())
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._respond(key, scope, receive, send)
        except ServiceError as error:
            await error_response(error)(scope, receive, send)
        except PyMongoError as error:
            if not is_unavailable(error):
                raise
            await error_response(Unavailable())(scope, receive, send)

    async def _respond(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        sessions: Sessions = scope["app"].state.sessions
        session = await sessions.of(request)
        if session is None:  # the route answers that
            await self._app(scope, receive, send)
            return
        if not _VALID_KEY.fullmatch(key):
            raise InvalidIdempotencyKey(field=HEADER)
        body = await request.body()
        target = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}\n"
        fingerprint = hashlib.sha256(target.encode() + body).hexdigest()
        await request_limits(request).hit("idempotency_keys_by_account", session.user.id)
        claim = _Claim(f"{session.user.id}:{key}", fingerprint)
        stored = await claim.acquire()
        if stored is not None:
            await stored(scope, receive, send)
            return
        await self._run(claim, scope, receive_body(body, receive), send)

    async def _run(self, claim: "_Claim", scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, store its response, then send it."""
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        Request(scope).state.idempotency_claim = claim
        try:
            await self._app(scope, receive, collect)
        except BaseException:
            await claim.release()
            raise
        status = messages[0]["status"]
        if status >= 500 or status in _NOT_STORED:
            await claim.release()
        elif not claim.stored:
            await claim.store(status, b"".join(part.get("body", b"") for part in messages[1:]))
        for message in messages:
            await send(message)


class _Claim:
    """A request's exclusive right to answer for its key, for the time of the lease.

    Not `lease.claim_due`: the claim creates its row, and only its holder may store the response.
    """

    def __init__(self, row_id: str, fingerprint: str) -> None:
        self._row_id = row_id
        self._fingerprint = fingerprint
        self._holder = uuid4().hex
        self.stored = False

    async def acquire(self) -> Response | None:
        """Claim the key. Returns the stored response if there is one.

        Raises: IdempotencyKeyReused, or RequestInProgress while another request holds the claim.
        """
        row = {
            "_id": self._row_id,
            "fingerprint": self._fingerprint,
            "holder": self._holder,
            "claimed_at": utc_now(),
        }
        try:
            await keys().insert_one(row)
        except DuplicateKeyError:
            return await self._take_over()
        return None

    async def _take_over(self) -> Response | None:
        row = await keys().find_one({"_id": self._row_id})
        if row is None:
            raise Conflict
        if row["fingerprint"] != self._fingerprint:
            raise IdempotencyKeyReused(field=HEADER)
        if "status" in row:
            media_type = "application/json" if row["body"] else None
            return Response(row["body"], row["status"], media_type=media_type)
        result = await keys().update_one(
            {
                "_id": self._row_id,
                "holder": row["holder"],
                "claimed_at": {"$lt": utc_now() - LEASE},
            },
            {"$set": {"holder": self._holder, "claimed_at": utc_now()}},
        )
        if result.modified_count == 0:
            raise RequestInProgress
        return None

    async def store(self, status: int, body: bytes) -> None:
        """Store the response. Raises: Conflict if another request has taken the claim over."""
        result = await keys().update_one(
            {"_id": self._row_id, "holder": self._holder},
            {"$set": {"status": status, "body": body}},
        )
        if result.matched_count == 0:
            raise Conflict

    def mark_stored(self) -> None:
        self.stored = True

    async def release(self) -> None:
        """Delete the claim without a response, so that the request can run again."""
        await keys().delete_one(
            {"_id": self._row_id, "holder": self._holder, "status": {"$exists": False}}
        )


class RequestIdempotency:
    """The idempotency key of a request, if it has one."""

    def __init__(self, claim: _Claim | None, status: int) -> None:
        self._claim = claim
        self._status = status

    async def store(self, response: BaseModel | None) -> None:
        """Store the response in the running transaction. Does nothing without a key.

        Raises: Conflict if another request has taken the claim over.
        """
        if self._claim is None:
            return
        body = b"" if response is None else response.model_dump_json(by_alias=True).encode()
        await self._claim.store(self._status, body)
        current_transaction().after_commit.append(self._claim.mark_stored)


async def _idempotency(request: Request) -> RequestIdempotency:
    claim: _Claim | None = getattr(request.state, "idempotency_claim", None)
    return RequestIdempotency(claim, request.scope["route"].status_code or 200)


Idempotency = Annotated[RequestIdempotency, Depends(_idempotency)]
"""For a transactional route: call `store` with the response as the last step."""
