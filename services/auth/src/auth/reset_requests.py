"""Requests of reset mails: stored by the route, worked off in the background.

So a request costs the same for an address with an account and for one without.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, ClassVar

import structlog
from beanie import Document
from fastapi import FastAPI
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from auth.models import PasswordResetToken, User
from ticketing_common.background import background
from ticketing_common.errors import Conflict
from ticketing_common.events import ResetToken, UserForgotPassword, UtcTime, utc_now
from ticketing_common.persistence import outbox
from ticketing_common.persistence.lease import claim_due
from ticketing_common.persistence.transaction import transactional

log = structlog.get_logger(__name__)

POLL_SECONDS = 5
"""How often a process polls for the requests of one that died."""
LEASE = timedelta(seconds=15)
RETENTION = timedelta(minutes=15)
"""An older request is deleted: the user has asked again."""


class ResetRequest(Document):
    """A request of a reset mail for an address, which may have no account."""

    class Settings:
        name: ClassVar[str] = "password_reset_requests"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel("due_at"),
            IndexModel("requested_at", expireAfterSeconds=int(RETENTION.total_seconds())),
        ]

    email: str
    requested_at: UtcTime
    due_at: UtcTime


class ResetRequests:
    """The requests, and the loop that works them off."""

    def __init__(self) -> None:
        self._new = asyncio.Event()

    async def add(self, email: str) -> None:
        """Store a request. Its mail follows within a moment."""
        now = utc_now()
        await _rows().insert_one({"email": email, "requested_at": now, "due_at": now})
        self._new.set()

    async def work_off(self) -> None:
        """Issue a token for each request until cancelled. After an error, repeat it."""
        while True:
            self._new.clear()
            try:
                while (row := await claim_due(_rows(), "due_at", LEASE)) is not None:
                    await _issue_token(row)
            except (PyMongoError, Conflict) as error:
                log.warning("reset_requests.failed", error=repr(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._new.wait()


@asynccontextmanager
async def running_reset_requests(app: FastAPI) -> AsyncIterator[None]:
    """Work off the requests beside the block."""
    requests: ResetRequests = app.state.reset_requests
    async with background(requests.work_off()):
        yield


@transactional
async def _issue_token(row: dict[str, Any]) -> None:
    user = await User.find_by_email(row["email"])
    if user is not None:
        document, token = PasswordResetToken.issue(user)
        await document.insert()
        await user.next_version()
        reset_token = ResetToken.model_validate({"value": token, "expiresAt": document.expires_at})
        await outbox.add(UserForgotPassword.of(user, token=reset_token))
    await _rows().delete_one({"_id": row["_id"]})


def _rows() -> AsyncCollection[dict[str, Any]]:
    return ResetRequest.get_pymongo_collection()
