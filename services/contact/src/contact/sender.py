"""Background work of contact: send the queued mails through SendGrid."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog
from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from contact.models import Mail, MailState
from contact.outgoing import LEASE, OutgoingMails, outgoing_mails
from contact.rendering import render
from contact.sendgrid_client import MAX_CONCURRENT_REQUESTS, SendFailed, SendGridClient
from ticketing_common.backoff import Backoff
from ticketing_common.circuit_breaker import CircuitOpen
from ticketing_common.events import utc_now
from ticketing_common.invalid_rows import omit_invalid
from ticketing_common.persistence.lease import claim_due
from ticketing_common.persistence.transaction import transactional

log = structlog.get_logger(__name__)

POLL_SECONDS = 5
"""How often a process polls for due mails: those to send again, and those of other processes."""
BACKOFF = Backoff(2, 600)
MAX_ATTEMPTS = 150
"""With the backoff, these take about a day."""


class MailSender:
    """Send queued mails.

    SendGrid has no idempotency keys: a mail is sent twice if the process crashes between sending it
    and recording that. It is never lost without a failure in the delivery log.
    """

    def __init__(self, sendgrid: SendGridClient, public_url: str, currency: str) -> None:
        self._sendgrid = sendgrid
        self._public_url = public_url
        self._currency = currency
        self._stopping = False
        self._wake = asyncio.Event()
        self._due_is_next = False
        self._poll_at = 0.0
        """When to poll for due mails, in the event loop's time."""

    def stop(self) -> None:
        """Make `run` return after the mails in progress."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Send mails until stopped, several at a time."""
        slots = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)
        with outgoing_mails(self._wake.set) as outgoing:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await slots.acquire()
                    if self._stopping:
                        break
                    self._wake.clear()
                    if (mail := await self._next(outgoing)) is not None:
                        task = tasks.create_task(self._process(mail))
                        task.add_done_callback(lambda _: slots.release())
                        continue
                    slots.release()
                    await self._wait()
        await _release(outgoing.clear())

    async def _next(self, outgoing: OutgoingMails) -> Mail | None:
        """Return a mail that this process has claimed, None if there is none now.

        A committed mail and a due one are taken in turn, so that neither delays the other.
        """
        self._due_is_next = not self._due_is_next
        if self._due_is_next:
            return await self._claim_due() or outgoing.take()
        return outgoing.take() or await self._claim_due()

    async def _claim_due(self) -> Mail | None:
        """Claim the mail that has been due for longest. If there is none, poll again later.

        While the circuit is open, no mail is claimed, so none uses up its attempts.
        """
        now = asyncio.get_running_loop().time()
        if now < self._poll_at:
            return None
        mail: Mail | None = None
        with _log_errors():
            if not self._sendgrid.circuit_breaker.is_open:
                mail = await _claim()
        if mail is None:
            self._poll_at = now + POLL_SECONDS
        return mail

    async def _wait(self) -> None:
        """Wait for a committed mail, the stop, or the time of the next poll."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_at - asyncio.get_running_loop().time()):
                await self._wake.wait()

    async def _process(self, mail: Mail) -> None:
        """Send a mail unless it is too late. After an error, it is due when its lease ends."""
        with _log_errors():
            if mail.expires_at is not None and mail.expires_at <= utc_now():
                log.info("mail.expired", mail_id=str(mail.id), template=mail.template)
                await _record_failure(mail, "Expired before it was sent")
            else:
                await self._send(mail)

    async def _send(self, mail: Mail) -> None:
        try:
            rendered = render(mail, self._public_url, self._currency)
            message_id = await self._sendgrid.send(mail.to, rendered, str(mail.id))
        except CircuitOpen as error:  # opened since the mail was claimed
            retry_at = utc_now() + timedelta(seconds=error.seconds)
            await _update(mail, next_attempt_at=retry_at, attempts=mail.attempts - 1)
        except SendFailed as error:
            if error.permanent or mail.attempts >= MAX_ATTEMPTS:
                log.warning("mail.failed", mail_id=str(mail.id), error=str(error))
                await _record_failure(mail, str(error))
            else:
                delay = BACKOFF.delay(mail.attempts)
                log.info(
                    "mail.delayed",
                    mail_id=str(mail.id),
                    error=str(error),
                    retry_in_seconds=delay,
                )
                retry_at = utc_now() + timedelta(seconds=delay)
                await _update(mail, next_attempt_at=retry_at, error=str(error))
        except Exception as error:
            log.exception("mail.failed", mail_id=str(mail.id))
            await _record_failure(mail, type(error).__name__)
        else:
            await _update(
                mail,
                state=MailState.SENT,
                sent_at=utc_now(),
                message_id=message_id,
                secret=None,
                error=None,
            )


@contextmanager
def _log_errors() -> Iterator[None]:
    """Log any error, because the other mails must still be sent."""
    try:
        yield
    except PyMongoError as error:
        log.warning("sender.failed", error=repr(error))
    except Exception:
        log.exception("sender.failed")


async def _claim() -> Mail | None:
    collection = Mail.get_pymongo_collection()
    queued = {"state": MailState.QUEUED.value}
    while row := await claim_due(
        collection, "next_attempt_at", LEASE, where=queued, count="attempts"
    ):
        with omit_invalid("mail", row["_id"]):
            mail: Mail = Mail.model_validate(row)
            return mail
        failed = {"state": MailState.FAILED, "error": "The row is invalid", "secret": None}
        await collection.update_one({"_id": row["_id"]}, {"$set": failed})
    return None


async def _record_failure(mail: Mail, error: str) -> None:
    await _update(mail, state=MailState.FAILED, error=error, secret=None)


async def _update(mail: Mail, **changes: object) -> None:
    await Mail.get_pymongo_collection().update_one({"_id": mail.id}, {"$set": changes})


async def _release(mails: list[Mail]) -> None:
    """Make mails due at once that this process does not send any more."""
    if not mails:
        return
    with _log_errors():
        await _end_leases([mail.id for mail in mails])


@transactional
async def _end_leases(ids: list[PydanticObjectId]) -> None:
    await Mail.get_pymongo_collection().update_many(
        {"_id": {"$in": ids}}, {"$set": {"next_attempt_at": utc_now()}}
    )
