"""People, tickets and orders to look at, made over HTTP as anybody would make them."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import httpx

PASSWORD = "a-seat-in-row-seven"  # noqa: S105

OFFERS: dict[str, dict[str, float]] = {
    "ada@example.com": {
        "Philharmonic: Mahler's Second, row 4": 86,
        "Philharmonic: Mahler's Second, row 5": 82.5,
        "La Traviata, standing": 18,
        "La Traviata, box 3": 164,
        "An evening of string quartets": 29.9,
        "Midnight jazz at the Cellar": 24,
        "Organ recital by candlelight": 12.5,
    },
    "ben@example.com": {
        "Cup final, block C": 240,
        "Cup final, behind the goal": 95,
        "City marathon, start number": 60,
        "Ice hockey derby": 38.4,
        "Table tennis open, day pass": 22,
        "Velodrome, six-day night": 45,
    },
    "chloe@example.com": {
        "Open-air cinema: Metropolis": 14,
        "Open-air cinema: Playtime": 14,
        "Museum night, all houses": 19.5,
        "Improvised theatre, late show": 16,
        "Shakespeare in the park": 0.5,
        "Circus, front row": 52,
    },
    "dev@example.com": {
        "Python conference, three days": 480,
        "Python conference, tutorial day": 210,
        "Distributed systems meetup dinner": 35,
        "Hot-air balloon, sunrise": 199.99,
        "Lighthouse tour with tea": 9.75,
        "Night train to the sea, couchette": 129,
    },
}

Ending = Literal["paid", "cancelled", "declined", "open"]
TOKENS: dict[Ending, str] = {"paid": "tok_visa", "declined": "tok_chargeDeclined"}

PURCHASES: list[tuple[str, str, Ending]] = [
    ("ben@example.com", "La Traviata, box 3", "paid"),
    ("chloe@example.com", "Cup final, block C", "paid"),
    ("dev@example.com", "Open-air cinema: Metropolis", "paid"),
    ("dev@example.com", "Midnight jazz at the Cellar", "cancelled"),
    ("ada@example.com", "Circus, front row", "cancelled"),
    ("ada@example.com", "Hot-air balloon, sunrise", "declined"),
    ("ben@example.com", "Night train to the sea, couchette", "open"),
    ("chloe@example.com", "Philharmonic: Mahler's Second, row 4", "open"),
]

# A ticket reaches orders, and an order payments, a moment after its 201.
PATIENCE_SECONDS, LOOK_EVERY_SECONDS = 15.0, 0.1


class Unexpected(Exception):
    """The market answered what a seed does not know what to do with."""

    def __init__(self, answer: httpx.Response) -> None:
        asked = f"{answer.request.method} {answer.request.url}"
        super().__init__(f"{asked} was answered with {answer.status_code}: {answer.text[:500]}")


@dataclass(frozen=True)
class Person:
    """Somebody with a session."""

    email: str
    http: httpx.Client

    @classmethod
    def signed_in(cls, email: str, http: httpx.Client) -> "Person":
        """Sign up, or in where an earlier seed has signed them up."""
        credentials = {"email": email, "password": PASSWORD}
        if http.post("/api/users/signup", json=credentials).status_code != 201:
            _expect(http.post("/api/users/signin", json=credentials), 200)
        return cls(email, http)

    def offer(self, title: str, price: float) -> str:
        """List a ticket, unless it is listed already. Gives its id."""
        for ticket in _expect(self.http.get("/api/tickets?seller=me&limit=100"), 200).json():
            if ticket["title"] == title:
                return str(ticket["id"])
        listed = self.http.post("/api/tickets", json={"title": title, "price": price})
        return str(_expect(listed, 201).json()["id"])

    def buy(self, ticket_id: str, ending: Ending) -> str:
        """Order a ticket and end the order as told, unless it was so before. Gives its status."""
        for order in _expect(self.http.get("/api/orders?limit=100"), 200).json():
            if order["ticket"]["id"] == ticket_id and order["status"] in ("complete", "cancelled"):
                return str(order["status"])
        wish = {"ticketId": ticket_id}
        ordered = _patiently(lambda: self.http.post("/api/orders", json=wish))
        if ordered.status_code == 400:
            return "held already"
        order_id = _expect(ordered, 201).json()["id"]
        if ending == "cancelled":
            _expect(self.http.delete(f"/api/orders/{order_id}"), 204)
            return "cancelled"
        if ending in TOKENS:
            payment = {"orderId": order_id, "token": TOKENS[ending]}
            paid = _patiently(lambda: self.http.post("/api/payments", json=payment))
            _expect(paid, 201 if ending == "paid" else 402)
        return ending


def _expect(answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        raise Unexpected(answer)
    return answer


def _patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask until it is known there what the question is about."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := ask()).status_code == 404 and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
    return answer


def seed(url: str) -> Iterator[str]:
    """Fill the market at this address; says what it does. A second time adds next to nothing.

    Raises Unexpected, or httpx.HTTPError where nobody answers.
    """
    with ExitStack() as clients:
        people = {
            email: Person.signed_in(email, clients.enter_context(httpx.Client(base_url=url)))
            for email in OFFERS
        }
        yield f"{len(people)} people, all with the password {PASSWORD}: {', '.join(people)}"
        tickets = {
            title: people[email].offer(title, price)
            for email, offers in OFFERS.items()
            for title, price in offers.items()
        }
        yield f"{len(tickets)} tickets"
        for buyer, title, ending in PURCHASES:
            yield f"{buyer}: {title}: {people[buyer].buy(tickets[title], ending)}"
