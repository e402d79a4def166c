"""From the delivery log to SendGrid."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from contact.models import Mail, MailState
from contact.rendering import letter
from contact.sendgrid_client import AT_ONCE, NotSent, SendGrid
from ticketing_common.circuit_breaker import CircuitOpen
from ticketing_common.events import utc_now

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1
LEASE = timedelta(seconds=60)
"""After which a mail that was being sent when its process died is sent by another."""
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
TRIES = 150
"""Over about a day."""


class Sender:
    """Sends what is queued. A mail may go out twice where a crash parts the sending from its
    noting; SendGrid knows no idempotency key. It never goes out not at all without the log saying
    so."""

    def __init__(self, sendgrid: SendGrid, public_url: str, currency: str) -> None:
        self._sendgrid = sendgrid
        self._public_url = public_url
        self._currency = currency
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Have `run` end with what is being sent: a mail that is cut off is sent twice."""
        self._stopping.set()

    async def run(self) -> None:
        """Send until stopped, several mails side by side."""
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as sending:
            while not self._stopping.is_set():
                await room.acquire()
                if (mail := await self._next()) is not None:
                    task = sending.create_task(self._end(mail))
                    task.add_done_callback(lambda _: room.release())
                    continue
                room.release()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)

    async def _next(self) -> Mail | None:
        """A mail that waits to be sent, taken."""
        if self._is_to_pause():
            return None
        with _logged():
            return await _take()
        return None

    async def _end(self, mail: Mail) -> None:
        """Send it or give it up; where neither can be noted, its lease brings it back."""
        with _logged():
            if mail.useless_after is not None and mail.useless_after <= utc_now():
                await _note(mail, state=MailState.FAILED, error="Too late", secret=None)
            else:
                await self._send(mail)

    def _is_to_pause(self) -> bool:
        """While SendGrid is left alone, no mail uses up its tries."""
        return self._stopping.is_set() or self._sendgrid.breaker.is_open

    async def _send(self, mail: Mail) -> None:
        try:
            written = letter(mail, self._public_url, self._currency)
            message_id = await self._sendgrid.send(mail.to, written, str(mail.id))
        except CircuitOpen as error:  # since we looked
            again = utc_now() + timedelta(seconds=error.seconds)
            await _note(mail, next_try_at=again, tries=mail.tries - 1)
        except NotSent as error:
            if error.final or mail.tries >= TRIES:
                log.warning("mail.failed", mail_id=str(mail.id), error=str(error))
                await _note(mail, state=MailState.FAILED, error=str(error), secret=None)
            else:
                pause = min(FIRST_PAUSE * 2 ** (mail.tries - 1), LONGEST_PAUSE)
                log.info("mail.delayed", mail_id=str(mail.id), error=str(error))
                await _note(mail, next_try_at=utc_now() + pause, error=str(error))
        except Exception as error:
            log.exception("mail.failed", mail_id=str(mail.id))
            await _note(mail, state=MailState.FAILED, error=type(error).__name__, secret=None)
        else:
            await _note(
                mail,
                state=MailState.SENT,
                sent_at=utc_now(),
                message_id=message_id,
                secret=None,
                error=None,
            )


@contextmanager
def _logged() -> Iterator[None]:
    """Whatever it is that fails, the other mails wait for us too."""
    try:
        yield
    except PyMongoError as error:
        log.warning("sender.failed", error=repr(error))
    except Exception:
        log.exception("sender.failed")


async def _take() -> Mail | None:
    """The mail that has waited longest, taken so that no other replica sends it meanwhile."""
    now = utc_now()
    taken = await Mail.get_pymongo_collection().find_one_and_update(
        {"state": MailState.QUEUED.value, "next_try_at": {"$lte": now}},
        {"$set": {"next_try_at": now + LEASE}, "$inc": {"tries": 1}},
        sort=[("next_try_at", 1)],
        return_document=ReturnDocument.AFTER,
    )
    return Mail.model_validate(taken) if taken is not None else None


async def _note(mail: Mail, **changes: object) -> None:
    await Mail.get_pymongo_collection().update_one({"_id": mail.id}, {"$set": changes})
