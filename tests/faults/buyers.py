"""Simulated users: they list, change, order, cancel and pay at random."""

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
MAX_ATTEMPTS = 4


@dataclass
class Ledger:
    """The successful responses of a run, and how many requests it sent."""

    requests: Counter[str] = field(default_factory=Counter)
    responses: Counter[int] = field(default_factory=Counter)
    without_response: int = 0
    violations: list[str] = field(default_factory=list)
    """Violations seen during the run."""
    orders: dict[str, str] = field(default_factory=dict)
    """Created orders (201), with the address of their buyer."""
    paid: dict[str, str] = field(default_factory=dict)
    """Paid orders (201), with the address of their buyer."""

    @property
    def operations(self) -> int:
        return self.requests.total()


class Buyer:
    """One user with one browser, who also sells."""

    def __init__(self, http: httpx.AsyncClient, name: str, dice: random.Random, ledger: Ledger):
        self._http = http
        self.email = f"{name}@example.com"
        self._dice = dice
        self._ledger = ledger
        self._tickets: list[str] = []
        self._orders: list[str] = []

    async def run(self, until: asyncio.Event) -> None:
        """Do one random action after another until the event is set."""
        await self.sign_up(until)
        actions = {
            self._list_ticket: 4,
            self._change_ticket: 2,
            self._withdraw_ticket: 1,
            self._order: 6,
            self._pay: 6,
            self._cancel: 2,
            self._browse: 2,
        }
        while not until.is_set():
            [action] = self._dice.choices(list(actions), list(actions.values()))
            await action()
            await asyncio.sleep(self._dice.uniform(0.02, 0.3))

    async def sign_up(self, until: asyncio.Event) -> None:
        """Sign up, or sign in, unless the event is set first."""
        account = {"email": self.email, "password": PASSWORD}
        while not until.is_set():
            for route in ("signup", "signin"):
                response = await self._send("POST", f"/api/users/{route}", json=account)
                if response is not None and response.is_success:
                    return
            await asyncio.sleep(0.2)

    async def _list_ticket(self) -> None:
        ticket = {"title": f"Concert {uuid4().hex[:6]}", "price": self._dice.randint(1, 99)}
        key = uuid4().hex
        responses = [
            await self._send("POST", "/api/tickets", key, json=ticket)
            for _ in range(self._dice.choice([1, 1, 1, 2]))  # a double click
        ]
        created = {each.json()["id"] for each in responses if each and each.status_code == 201}
        self._tickets += created
        if len(created) > 1:
            self._ledger.violations.append(f"One request created the tickets {sorted(created)}")

    async def _change_ticket(self) -> None:
        if self._tickets:
            changes = {"title": "Concert, changed", "price": self._dice.randint(1, 99)}
            ticket = self._dice.choice(self._tickets)
            await self._send("PUT", f"/api/tickets/{ticket}", json=changes)

    async def _withdraw_ticket(self) -> None:
        if self._tickets:
            ticket = self._tickets.pop(self._dice.randrange(len(self._tickets)))
            await self._send("DELETE", f"/api/tickets/{ticket}")

    async def _order(self) -> None:
        listed = await self._send("GET", "/api/tickets", params={"limit": 20})
        if listed is None or not listed.is_success or not listed.json():
            return
        # A few choices only, so that several buyers order the same ticket.
        candidates = listed.json()[: self._dice.choice([1, 3, 20])]
        ticket = self._dice.choice(candidates)["id"]
        response = await self._send("POST", "/api/orders", json={"ticketId": ticket})
        if response is not None and response.status_code == 201:
            order = response.json()["id"]
            self._orders.append(order)
            self._ledger.orders[order] = self.email

    async def _pay(self) -> None:
        if not self._orders:
            return
        order = self._dice.choice(self._orders[-3:])
        [card] = self._dice.choices(list(CARDS), list(CARDS.values()))
        body = {"orderId": order, "token": card}
        response = await self._send("POST", "/api/payments", json=body)
        if response is None:
            return
        if response.status_code == 201:
            self._ledger.paid[order] = self.email
        elif response.status_code == 202:
            await self._confirm(response.json())

    async def _confirm(self, payment: Any) -> None:
        """Approve or decline at the bank, or close the browser."""
        decision = self._dice.choice(["approve", "approve", "decline", None])
        if decision is not None:
            params = {"client_secret": payment["clientSecret"], "return_url": "/"}
            await self._send(
                "POST", "/dev/stripe/authenticate", params=params, data={"decision": decision}
            )
            await self._send("GET", f"/api/payments/{payment['id']}")

    async def _cancel(self) -> None:
        if self._orders:
            await self._send("DELETE", f"/api/orders/{self._dice.choice(self._orders)}")

    async def _browse(self) -> None:
        await self._send("GET", self._dice.choice(["/api/orders", "/api/tickets?sort=price"]))

    async def _send(
        self, method: str, path: str, key: str | None = None, **content: Any
    ) -> httpx.Response | None:
        """Send a request, and repeat it with the same key after an error, as a browser would."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        self._ledger.requests[f"{method} {'/'.join(path.split('/')[:3])}"] += 1
        for attempt in range(self._dice.randint(1, MAX_ATTEMPTS)):
            try:
                response = await self._http.request(method, path, headers=headers, **content)
            except httpx.HTTPError:
                self._ledger.without_response += 1
            else:
                self._ledger.responses[response.status_code] += 1
                if response.status_code < 500:
                    return response
            await asyncio.sleep(0.1 * 2**attempt)
        return None

    async def find_violations(self) -> list[str]:
        """Return the promises to this user that do not hold, once the system is quiet."""
        violations = []
        for order, email in self._ledger.orders.items():
            if email == self.email:
                response = await self._http.get(f"/api/orders/{order}")
                body = response.json()
                status = body.get("status") if response.is_success else response.status_code
                if status not in ("complete", "cancelled"):
                    violations.append(f"The order {order} was created and is {status}")
                if order in self._ledger.paid and status != "complete":
                    violations += await self._missing_refund(order)
                    if body.get("reason") == "expired":
                        violations.append(f"The order {order} was paid in time and has expired")
        return violations + await self._repeated_mails()

    async def _repeated_mails(self) -> list[str]:
        """Return the mails with the same content: one may be sent twice, but with one id."""
        params = {"to": self.email, "limit": "1000"}
        response = await self._http.get("/dev/mail/api/mails", params=params)
        mails = response.raise_for_status().json()
        by_id = {mail["customArgs"]["mail_id"]: (mail["subject"], mail["text"]) for mail in mails}
        unique = ("Welcome", "Reserved for you:", "Receipt:", "Your ticket:")
        counts = Counter(mail for mail in by_id.values() if mail[0].startswith(unique))
        return [
            f"{self.email} got {count} mails: {subject}"
            for (subject, _), count in counts.items()
            if count > 1
        ]

    async def _missing_refund(self, order: str) -> list[str]:
        response = await self._http.get("/api/payments", params={"orderId": order})
        payments = response.json() if response.is_success else []
        statuses = [payment["status"] for payment in payments]
        if "refunded" in statuses:
            return []
        return [f"The order {order} was paid, is not complete and not refunded: {statuses}"]


Buyers = list[tuple[httpx.AsyncClient, Buyer]]
"""Simulated users, each with the client that its owner must close."""
