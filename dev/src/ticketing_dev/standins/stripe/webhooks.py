"""Webhooks: every event POSTed to the endpoint, signed, and again until it says 2xx.

As with Stripe each event arrives at least once and in no order that one may count on. Stripe goes
on for three days; here the pauses begin at a second and all is over within the hour.
"""

import asyncio
import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from ticketing_dev.standins.stripe.deliveries import Delivery, Endpoint, State
from ticketing_dev.standins.stripe.store import Store
from ticketing_dev.standins.stripe.wire import written

PATIENCE = 10
"""Seconds that the endpoint has for its answer."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
TRIES = 40
AT_ONCE = 8


def configured() -> Endpoint | None:
    """The endpoint that the environment names. Raises ValueError for one of another machine."""
    url = os.environ.get("STRIPE_WEBHOOK_URL")
    secret = os.environ.get("STRIPE_WEBHOOK_SECRET", "")
    return Endpoint(url=url, secret=secret) if url else None


def signature(secret: str, body: str, at: int) -> str:
    """The header Stripe-Signature (docs.stripe.com/webhooks/signature)."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Sender:
    """Works off the deliveries. Sleeps until one is due or `wake` is set."""

    def __init__(self, store: Store, first_pause: float = FIRST_PAUSE) -> None:
        self.store = store
        self.first_pause = first_pause
        self.wake = asyncio.Event()
        self.under_way: set[int] = set()
        self.http = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Sender"]:
        """Deliver in the background until the block ends. What is under way then is not lost."""
        self.store.on_commit = self.wake.set
        async with self.http:
            work = asyncio.create_task(self.work())
            try:
                yield self
            finally:
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work

    async def work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                self.wake.clear()
                pause = None
                for delivery in self.free_ones():
                    pause = delivery.due - time.time()
                    if pause > 0:
                        break
                    pause = None
                    tasks.create_task(self.attempt(delivery))
                    self.under_way.add(delivery.id)
                try:
                    async with asyncio.timeout(pause):
                        await self.wake.wait()
                except TimeoutError:
                    pass

    def free_ones(self) -> list[Delivery]:
        """As many as may be tried now beside those under way."""
        deliveries = self.store.deliveries
        if deliveries.endpoint is None:
            return []
        at_once = 1 if deliveries.treatment.reverse else AT_ONCE
        waiting = deliveries.waiting(limit=AT_ONCE + len(self.under_way))
        free = [one for one in waiting if one.id not in self.under_way]
        return free[: max(at_once - len(self.under_way), 0)]

    async def send(self, event: str) -> Delivery:
        """Deliver an event at once, held back or not, and wait for the answer to the first try."""
        deliveries = self.store.deliveries
        found = self.store.find("event", event)
        if found is None:
            raise LookupError(event)
        with self.store.transaction():
            delivery = deliveries.add(found, "waiting", by_hand=True)
            self.under_way.add(delivery.id)
        await self.attempt(delivery)
        return deliveries.find(delivery.id) or delivery

    async def attempt(self, delivery: Delivery) -> None:
        """Tell it once, and note what came of it."""
        try:
            answer, well = await self.post(delivery)
            over: State = "given up" if delivery.tries + 1 >= TRIES else "waiting"
            state: State = "delivered" if well else over
            pause = min(self.first_pause * 2**delivery.tries, LONGEST_PAUSE)
            with self.store.transaction():
                self.store.deliveries.note(delivery, state, answer, time.time() + pause)
                if well and (event := self.store.find("event", delivery.event)):
                    self.store.put(event | {"pending_webhooks": 0})
        finally:
            self.under_way.discard(delivery.id)
            self.wake.set()

    async def post(self, delivery: Delivery) -> tuple[str, bool]:
        """What the endpoint answered, and whether that is a yes."""
        endpoint = self.store.deliveries.endpoint
        event = self.store.find("event", delivery.event)
        if endpoint is None or event is None:
            return "There is nothing to tell, or nobody", False
        body = written(event)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(endpoint.secret, body, int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self.http.post(endpoint.url, content=body.encode(), headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__, False
        return str(answer.status_code), answer.is_success
