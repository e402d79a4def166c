"""The time of an answer against the question whether an address has an account."""

import time
from collections.abc import Sequence
from itertools import chain

from bench.bare import PASSWORD
from bench.load import Connection, request
from bench.report import Figure
from bench.stack import Stack
from bson import ObjectId

from auth.passwords import hash_password
from ticketing_common.events import utc_now

SAMPLES = 200
"""Requests for known and for unknown addresses, in turn."""
GOAL = 0.6
"""0.5 is a guess. Of two equal sets of 200, the best threshold still sorts about 0.55 right."""


async def measure_enumeration() -> list[Figure]:
    """Measure how often the time of one answer shows that an address is known."""
    with Stack.running("--no-client") as stack:
        url = f"{stack.address('auth')}/api/users"
        known = [f"known{number}@example.com" for number in range(SAMPLES)]
        unknown = [f"nobody{number}@example.com" for number in range(SAMPLES)]
        password_hash, now = await hash_password(PASSWORD), utc_now()
        stack.database("auth")["users"].insert_many(
            [
                {
                    "_id": ObjectId(),
                    "version": 0,
                    "email": email,
                    "password_hash": password_hash,
                    "created_at": now,
                    "sessions_changed_at": now,
                }
                for email in known
            ]
        )
        connection = await Connection.open(url)
        figures = []
        for route in ("forgot-password", "signin"):
            times: dict[bool, list[float]] = {True: [], False: []}
            for email in chain.from_iterable(zip(known, unknown, strict=True)):
                body = {"email": email, "password": "a wrong one"}
                start = time.perf_counter()
                await connection.send(request("POST", f"{url}/{route}", body=body))
                times[email in known].append(time.perf_counter() - start)
            figures.append(_figure(route, times[True], times[False]))
        connection.close()
        return figures


def _figure(route: str, known: Sequence[float], unknown: Sequence[float]) -> Figure:
    medians = [sorted(each)[len(each) // 2] * 1000 for each in (known, unknown)]
    return Figure.at_most(
        "Enumeration",
        f"one {route} shows a known address",
        best_accuracy(known, unknown),
        "of the requests",
        GOAL,
        "median {:.1f} ms known, {:.1f} ms unknown".format(*medians),
    )


def best_accuracy(known: Sequence[float], unknown: Sequence[float]) -> float:
    """Return the share of the requests that the best threshold assigns to the right group."""
    best = 0.5
    for threshold in (*known, *unknown):
        slow = sum(each >= threshold for each in known) / len(known)
        slow_unknown = sum(each >= threshold for each in unknown) / len(unknown)
        best = max(best, (1 + abs(slow - slow_unknown)) / 2)
    return best
