"""The stand-in for Stripe."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_dev.stack.supervision.process import running

STRIPE_KEY = "sk_test_payments"
STRIPE_HEADERS = {"Authorization": f"Bearer {STRIPE_KEY}"}


@contextmanager
def run_stripe(folder: Path) -> Iterator[str]:
    """Run a new stand-in for the block. Yields its URL."""
    with running(stripe_stand_in(free_port(), folder)) as process:
        yield process.spec.url
