"""Send webhooks: each event is POSTed with a signature and retried until the response is 2xx.

As at Stripe, an event arrives at least once and in no guaranteed order. Stripe retries for three
days; here the first retry follows after a second and the last within an hour.
"""

import asyncio
import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from ticketing_dev.standins.stripe.api.serialization import to_json
from ticketing_dev.standins.stripe.store import Store
from ticketing_dev.standins.stripe.webhooks.deliveries import Delivery, Endpoint, State

TIMEOUT_SECONDS = 10
"""Seconds until the endpoint must respond."""
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 60.0
MAX_ATTEMPTS = 40
MAX_CONCURRENT = 8


def configured_endpoint() -> Endpoint | None:
    """Return the endpoint of STRIPE_WEBHOOK_URL and STRIPE_WEBHOOK_SECRET, or None.

    Raises:
        ValueError: the URL is not on this machine or in this cluster, or the secret is missing.
    """
    url = os.environ.get("STRIPE_WEBHOOK_URL")
    secret = os.environ.get("STRIPE_WEBHOOK_SECRET", "")
    return Endpoint(url=url, secret=secret) if url else None


def signature(secret: str, body: str, at: int) -> str:
    """Return the Stripe-Signature header (docs.stripe.com/webhooks/signature)."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class WebhookSender:
    """Send pending deliveries. It sleeps until one is due or `wake` is set."""

    def __init__(self, store: Store, first_retry_seconds: float = FIRST_RETRY_SECONDS) -> None:
        self.store = store
        self.first_retry_seconds = first_retry_seconds
        self.wake = asyncio.Event()
        self.in_progress: set[int] = set()
        self.http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["WebhookSender"]:
        """Send in the background for the block. Interrupted deliveries stay pending."""
        self.store.on_commit = self.wake.set
        async with self.http:
            task = asyncio.create_task(self.run())
            try:
                yield self
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def run(self) -> None:
        """Send deliveries as they become due, forever."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self.wake.clear()
                delay = None
                for delivery in self.next_deliveries():
                    delay = delivery.next_attempt_at - time.time()
                    if delay > 0:
                        break
                    delay = None
                    tasks.create_task(self.attempt(delivery))
                    self.in_progress.add(delivery.id)
                try:
                    async with asyncio.timeout(delay):
                        await self.wake.wait()
                except TimeoutError:
                    pass

    def next_deliveries(self) -> list[Delivery]:
        """Return as many deliveries as can be sent now beside those in progress."""
        deliveries = self.store.deliveries
        if deliveries.endpoint is None:
            return []
        max_concurrent = 1 if deliveries.faults.reverse else MAX_CONCURRENT
        pending = deliveries.pending(limit=MAX_CONCURRENT + len(self.in_progress))
        free = [delivery for delivery in pending if delivery.id not in self.in_progress]
        return free[: max(max_concurrent - len(self.in_progress), 0)]

    async def send_now(self, event_id: str) -> Delivery:
        """Send an event at once, also while others are held, and wait for the response.

        Raises:
            LookupError: the event does not exist.
        """
        deliveries = self.store.deliveries
        event = self.store.find("event", event_id)
        if event is None:
            raise LookupError(event_id)
        with self.store.transaction():
            delivery = deliveries.add(event, "pending", is_manual=True)
            self.in_progress.add(delivery.id)
        await self.attempt(delivery)
        return deliveries.find(delivery.id) or delivery

    async def attempt(self, delivery: Delivery) -> None:
        """Send a delivery once and store the result."""
        try:
            response, is_delivered = await self.post(delivery)
            is_last = delivery.attempts + 1 >= MAX_ATTEMPTS
            undelivered: State = "failed" if is_last else "pending"
            state: State = "delivered" if is_delivered else undelivered
            delay = min(self.first_retry_seconds * 2**delivery.attempts, MAX_RETRY_SECONDS)
            with self.store.transaction():
                self.store.deliveries.record_attempt(delivery, state, response, time.time() + delay)
                if is_delivered and (event := self.store.find("event", delivery.event)):
                    self.store.put(event | {"pending_webhooks": 0})
        finally:
            self.in_progress.discard(delivery.id)
            self.wake.set()

    async def post(self, delivery: Delivery) -> tuple[str, bool]:
        """POST the event. Return the status or the error, and whether the status is 2xx."""
        endpoint = self.store.deliveries.endpoint
        event = self.store.find("event", delivery.event)
        if endpoint is None or event is None:
            return "no endpoint or no event", False
        body = to_json(event)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(endpoint.secret, body, int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await self.http.post(
                    endpoint.url, content=body.encode(), headers=headers
                )
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__, False
        return str(response.status_code), response.is_success
