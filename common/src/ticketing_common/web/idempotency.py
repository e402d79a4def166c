"""The Idempotency-Key header: a request that is sent again is answered, not done, again."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pydantic import BaseModel
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, PyMongoError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.errors import BadRequest, Conflict, ServiceError, Unavailable
from ticketing_common.events import utc_now
from ticketing_common.persistence.database import database, is_unavailable
from ticketing_common.persistence.transaction import current_transaction, last_write
from ticketing_common.web.error_handlers import answer
from ticketing_common.web.request_checks import MUTATING, replayed
from ticketing_common.web.sessions import COOKIE

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
INDEXES = [IndexModel("at", expireAfterSeconds=int(KEPT.total_seconds()))]

LEASE = timedelta(seconds=60)
"""After which a request that was never answered, because its process died, may be done again."""

_WELL_FORMED_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PASSING = {202, 401, 403, 404, 409, 413, 429}
"""Answers of the moment: the same request may be answered otherwise next time."""


def answers() -> AsyncCollection[dict[str, Any]]:
    """One row a key of a caller: what was asked and, once it is known, what was answered."""
    return database()["idempotency_keys"]


class IdempotencyMiddleware:
    """Stores what a mutating request with a key was answered, and answers its repetition with it.

    Where the route is one transaction, the answer is stored in it: no crash can part the two.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in MUTATING:
            await self._app(scope, receive, send)
            return
        key = Headers(scope=scope).get(HEADER)
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._answer(key, scope, receive, send)
        except ServiceError as error:
            await answer(error)(scope, receive, send)
        except PyMongoError as error:
            if not is_unavailable(error):
                raise
            await answer(Unavailable())(scope, receive, send)

    async def _answer(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        user = await scope["app"].state.sessions.read(request.cookies.get(COOKIE))
        if user is None:  # the route says so
            await self._app(scope, receive, send)
            return
        if not _WELL_FORMED_KEY.fullmatch(key):
            raise BadRequest("Idempotency-Key should be 1 to 255 visible characters", field=HEADER)
        body = await request.body()
        asked = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}\n"
        claim = _Claim(f"{user.id}:{key}", hashlib.sha256(asked.encode() + body).hexdigest())
        stored = await claim.take()
        if stored is not None:
            await stored(scope, receive, send)
            return
        await self._answer_first(claim, scope, replayed(body, receive), send)

    async def _answer_first(
        self, claim: "_Claim", scope: Scope, receive: Receive, send: Send
    ) -> None:
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        async def store_with_commit(function: Callable[..., Any], result: object) -> None:
            if scope.get("endpoint") is function:
                await claim.store(scope["route"].status_code or 200, _json(result))
                current_transaction().after_commit.append(claim.note_stored)

        token = last_write.set(store_with_commit)
        try:
            await self._app(scope, receive, keep)
        except BaseException:
            await claim.drop()
            raise
        finally:
            last_write.reset(token)
        status = sent[0]["status"]
        if status >= 500 or status in _PASSING:
            await claim.drop()
        elif not claim.stored:
            await claim.store(status, b"".join(part.get("body", b"") for part in sent[1:]))
        for message in sent:
            await send(message)


class _Claim:
    """A request's hold on its key while it is being answered."""

    def __init__(self, row_id: str, asked: str) -> None:
        self._row_id = row_id
        self._asked = asked
        self._holder = uuid4().hex
        self.stored = False

    async def take(self) -> Response | None:
        """Hold the key; returns the stored answer where there is one.

        Raises BadRequest for another request under the same key, Conflict while it is held.
        """
        row = {"_id": self._row_id, "asked": self._asked, "holder": self._holder, "at": utc_now()}
        try:
            await answers().insert_one(row)
        except DuplicateKeyError:
            return await self._take_over()
        return None

    async def _take_over(self) -> Response | None:
        row = await answers().find_one({"_id": self._row_id})
        if row is None:
            raise Conflict
        if row["asked"] != self._asked:
            raise BadRequest(
                "This Idempotency-Key was used for another request; take a new one", field=HEADER
            )
        if "status" in row:
            media_type = "application/json" if row["body"] else None
            return Response(row["body"], row["status"], media_type=media_type)
        won = await answers().update_one(
            {"_id": self._row_id, "holder": row["holder"], "at": {"$lt": utc_now() - LEASE}},
            {"$set": {"holder": self._holder, "at": utc_now()}},
        )
        if won.modified_count == 0:
            raise Conflict("Your first try is still under way: try again in a moment")
        return None

    async def store(self, status: int, body: bytes) -> None:
        """Keep the answer. Raises Conflict where another request has taken the key over."""
        kept = await answers().update_one(
            {"_id": self._row_id, "holder": self._holder},
            {"$set": {"status": status, "body": body}},
        )
        if kept.matched_count == 0:
            raise Conflict

    def note_stored(self) -> None:
        """The transaction that stored the answer has committed."""
        self.stored = True

    async def drop(self) -> None:
        """Let the key go, unanswered."""
        await answers().delete_one(
            {"_id": self._row_id, "holder": self._holder, "status": {"$exists": False}}
        )


def _json(result: object) -> bytes:
    if result is None:
        return b""
    assert isinstance(result, BaseModel), "a transactional route returns a model or None"
    return result.model_dump_json(by_alias=True).encode()
