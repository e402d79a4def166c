"""Example users, tickets and orders, created through the public API."""

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

Outcome = Literal["paid", "cancelled", "declined", "open"]
TOKENS: dict[Outcome, str] = {"paid": "tok_visa", "declined": "tok_chargeDeclined"}

PURCHASES: list[tuple[str, str, Outcome]] = [
    ("ben@example.com", "La Traviata, box 3", "paid"),
    ("chloe@example.com", "Cup final, block C", "paid"),
    ("dev@example.com", "Open-air cinema: Metropolis", "paid"),
    ("dev@example.com", "Midnight jazz at the Cellar", "cancelled"),
    ("ada@example.com", "Circus, front row", "cancelled"),
    ("ada@example.com", "Hot-air balloon, sunrise", "declined"),
    ("ben@example.com", "Night train to the sea, couchette", "open"),
    ("chloe@example.com", "Philharmonic: Mahler's Second, row 4", "open"),
]

# The copies of a ticket and an order arrive in orders and payments shortly after the 201.
COPY_TIMEOUT_SECONDS, POLL_SECONDS = 15.0, 0.1


class UnexpectedResponse(Exception):
    """The stack returned a status that the seed does not expect."""

    def __init__(self, response: httpx.Response) -> None:
        request = f"{response.request.method} {response.request.url}"
        super().__init__(f"{request} returned {response.status_code}: {response.text[:500]}")


@dataclass(frozen=True)
class ExampleUser:
    """A signed-in user."""

    email: str
    http: httpx.Client

    @classmethod
    def sign_in(cls, email: str, http: httpx.Client) -> "ExampleUser":
        """Sign up, or sign in where an earlier seed has signed up."""
        credentials = {"email": email, "password": PASSWORD}
        if http.post("/api/users/signup", json=credentials).status_code != 201:
            _expect(http.post("/api/users/signin", json=credentials), 200)
        return cls(email, http)

    def offer(self, title: str, price: float) -> str:
        """List a ticket unless it is listed already. Return its id."""
        for ticket in _expect(self.http.get("/api/tickets?seller=me&limit=100"), 200).json():
            if ticket["title"] == title:
                return str(ticket["id"])
        listed = self.http.post("/api/tickets", json={"title": title, "price": price})
        return str(_expect(listed, 201).json()["id"])

    def buy(self, ticket_id: str, outcome: Outcome) -> str:
        """Order a ticket and pay or cancel, unless an earlier seed did. Return the result."""
        for order in _expect(self.http.get("/api/orders?limit=100"), 200).json():
            if order["ticket"]["id"] == ticket_id and order["status"] in ("complete", "cancelled"):
                return str(order["status"])
        new_order = {"ticketId": ticket_id}
        ordered = _retry_not_found(lambda: self.http.post("/api/orders", json=new_order))
        if ordered.status_code == 400:
            return "reserved already"
        order_id = _expect(ordered, 201).json()["id"]
        if outcome == "cancelled":
            _expect(self.http.delete(f"/api/orders/{order_id}"), 204)
            return "cancelled"
        if outcome in TOKENS:
            payment = {"orderId": order_id, "token": TOKENS[outcome]}
            paid = _retry_not_found(lambda: self.http.post("/api/payments", json=payment))
            _expect(paid, 201 if outcome == "paid" else 402)
        return outcome


def _expect(response: httpx.Response, status: int) -> httpx.Response:
    if response.status_code != status:
        raise UnexpectedResponse(response)
    return response


def _retry_not_found(request: Callable[[], httpx.Response]) -> httpx.Response:
    """Repeat the request while the service does not have its copy yet."""
    deadline = time.monotonic() + COPY_TIMEOUT_SECONDS
    while (response := request()).status_code == 404 and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return response


def seed(url: str) -> Iterator[str]:
    """Add the example data to the stack at this URL; yield progress messages. Idempotent.

    Raises:
        UnexpectedResponse: a request failed.
        httpx.HTTPError: the stack is not reachable.
    """
    with ExitStack() as clients:
        users = {
            email: ExampleUser.sign_in(email, clients.enter_context(httpx.Client(base_url=url)))
            for email in OFFERS
        }
        yield f"{len(users)} users, all with the password {PASSWORD}: {', '.join(users)}"
        tickets = {
            title: users[email].offer(title, price)
            for email, offers in OFFERS.items()
            for title, price in offers.items()
        }
        yield f"{len(tickets)} tickets"
        for buyer, title, outcome in PURCHASES:
            yield f"{buyer}: {title}: {users[buyer].buy(tickets[title], outcome)}"
