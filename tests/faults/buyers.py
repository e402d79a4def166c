"""People who list, edit, order, cancel, pay and forget, at random, whatever the market answers."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery staple"
CARDS = {
    "pm_card_visa": 12,
    "tok_visa": 4,
    "tok_chargeDeclined": 3,
    "pm_card_threeDSecure2Required": 4,
}
TRIES = 4


@dataclass
class Ledger:
    """What the market has promised, and how often it was asked."""

    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    broken: list[str] = field(default_factory=list)
    """Promises that were broken while one looked."""
    orders: dict[str, str] = field(default_factory=dict)
    """Placed (201), and whose they are."""
    paid: dict[str, str] = field(default_factory=dict)
    """Paid (201), and whose they are."""

    @property
    def operations(self) -> int:
        return self.asked.total()


class Shopper:
    """One person with one browser."""

    def __init__(self, http: httpx.AsyncClient, name: str, dice: random.Random, ledger: Ledger):
        self._http = http
        self._email = f"{name}@example.com"
        self._dice = dice
        self._ledger = ledger
        self._mine: list[str] = []
        self._orders: list[str] = []

    async def shop(self, until: asyncio.Event) -> None:
        """Do one thing after another until told to stop."""
        await self._sign_up(until)
        deeds = {
            self._offer: 4,
            self._edit: 2,
            self._withdraw: 1,
            self._order: 6,
            self._pay: 6,
            self._cancel: 2,
            self._look: 2,
        }
        while not until.is_set():
            [deed] = self._dice.choices(list(deeds), list(deeds.values()))
            await deed()
            await asyncio.sleep(self._dice.uniform(0.02, 0.3))

    async def _sign_up(self, until: asyncio.Event) -> None:
        account = {"email": self._email, "password": PASSWORD}
        while not until.is_set():
            for route in ("signup", "signin"):
                answer = await self._ask("POST", f"/api/users/{route}", json=account)
                if answer is not None and answer.is_success:
                    return
            await asyncio.sleep(0.2)

    async def _offer(self) -> None:
        offer = {"title": f"Concert {uuid4().hex[:6]}", "price": self._dice.randint(1, 99)}
        key = uuid4().hex
        answers = [
            await self._ask("POST", "/api/tickets", key, json=offer)
            for _ in range(self._dice.choice([1, 1, 1, 2]))  # a double click
        ]
        made = {answer.json()["id"] for answer in answers if answer and answer.status_code == 201}
        self._mine += made
        if len(made) > 1:
            self._ledger.broken.append(f"one offer, sent twice, became tickets {sorted(made)}")

    async def _edit(self) -> None:
        if self._mine:
            offer = {"title": "Concert, changed", "price": self._dice.randint(1, 99)}
            ticket = self._dice.choice(self._mine)
            await self._ask("PUT", f"/api/tickets/{ticket}", json=offer)

    async def _withdraw(self) -> None:
        if self._mine:
            ticket = self._mine.pop(self._dice.randrange(len(self._mine)))
            await self._ask("DELETE", f"/api/tickets/{ticket}")

    async def _order(self) -> None:
        listed = await self._ask("GET", "/api/tickets", params={"limit": 20})
        if listed is None or not listed.is_success or not listed.json():
            return
        # Many want the newest.
        wanted = listed.json()[: self._dice.choice([1, 3, 20])]
        ticket = self._dice.choice(wanted)["id"]
        answer = await self._ask("POST", "/api/orders", json={"ticketId": ticket})
        if answer is not None and answer.status_code == 201:
            order = answer.json()["id"]
            self._orders.append(order)
            self._ledger.orders[order] = self._email

    async def _pay(self) -> None:
        if not self._orders:
            return
        order = self._dice.choice(self._orders[-3:])
        [card] = self._dice.choices(list(CARDS), list(CARDS.values()))
        answer = await self._ask("POST", "/api/payments", json={"orderId": order, "token": card})
        if answer is None:
            return
        if answer.status_code == 201:
            self._ledger.paid[order] = self._email
        elif answer.status_code == 202:
            await self._confirm(answer.json())

    async def _confirm(self, payment: Any) -> None:
        """With the bank: yes, no, or the browser is closed."""
        decision = self._dice.choice(["approve", "approve", "decline", None])
        if decision is not None:
            where = {"client_secret": payment["clientSecret"], "return_url": "/"}
            await self._ask(
                "POST", "/dev/stripe/authenticate", params=where, data={"decision": decision}
            )
            await self._ask("GET", f"/api/payments/{payment['id']}")

    async def _cancel(self) -> None:
        if self._orders:
            await self._ask("DELETE", f"/api/orders/{self._dice.choice(self._orders)}")

    async def _look(self) -> None:
        await self._ask("GET", self._dice.choice(["/api/orders", "/api/tickets?sort=price"]))

    async def _ask(
        self, method: str, path: str, key: str | None = None, **sent: Any
    ) -> httpx.Response | None:
        """The answer; asked again with the same key where there was none, as a browser would."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        self._ledger.asked[f"{method} {'/'.join(path.split('/')[:4][:3])}"] += 1
        for attempt in range(self._dice.randint(1, TRIES)):
            try:
                answer = await self._http.request(method, path, headers=headers, **sent)
            except httpx.HTTPError:
                self._ledger.unanswered += 1
            else:
                self._ledger.answered[answer.status_code] += 1
                if answer.status_code < 500:
                    return answer
            await asyncio.sleep(0.1 * 2**attempt)
        return None

    async def broken_promises(self) -> list[str]:
        """What this person was promised and does not have, once all is quiet."""
        broken = []
        for order, whose in self._ledger.orders.items():
            if whose == self._email:
                answer = await self._http.get(f"/api/orders/{order}")
                told = answer.json()
                shown = told.get("status") if answer.is_success else answer.status_code
                if shown not in ("complete", "cancelled"):
                    broken.append(f"order {order} was placed and is {shown}")
                if order in self._ledger.paid and shown != "complete":
                    broken += await self._not_given_back(order)
                    if told.get("reason") == "expired":
                        broken.append(f"order {order} was paid in time, and has expired")
        return broken + await self._told_twice()

    async def _told_twice(self) -> list[str]:
        """A mail that a crash cut off goes out again, under its id; no other says the same."""
        where = {"to": self._email, "limit": "1000"}
        answer = await self._http.get("/dev/mail/api/mails", params=where)
        mails = answer.raise_for_status().json()
        written = {mail["customArgs"]["mail_id"]: (mail["subject"], mail["text"]) for mail in mails}
        once = ("Welcome", "Held for you:", "Receipt:", "Yours:")
        told = Counter(mail for mail in written.values() if mail[0].startswith(once))
        return [
            f"{self._email} was told {count} times: {subject}"
            for (subject, _), count in told.items()
            if count > 1
        ]

    async def _not_given_back(self, order: str) -> list[str]:
        answer = await self._http.get("/api/payments", params={"orderId": order})
        statuses = [payment["status"] for payment in answer.json()] if answer.is_success else []
        if "refunded" in statuses:
            return []
        return [f"order {order} was paid, is not complete and not refunded: {statuses}"]
