"""The stand-ins on real sockets: in a thread, or in a process for tests that kill it."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
import uvicorn
from dev.tests.standins.webhook_receiver import SECRET, WebhookReceiver, webhook_receiver

from ticketing_dev.standins import sendgrid as sendgrid_stand_in
from ticketing_dev.standins import stripe as stripe_stand_in
from ticketing_testing.standins import StripeStandInClient

Client = Callable[..., Any]


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an app for the block; yield its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_level="warning",
        ws="none",
        access_log=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,  # longer than httpx keeps a connection that nobody uses
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class Process:
    """A stand-in in its own process, which can be killed."""

    def __init__(self, module: str, data: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", "0", *options],
            env={**os.environ, "STAND_IN_DATA": str(data)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.url = ""
        for line in self.process.stderr:
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                self.url = found[1]
                break
        assert self.url, "it did not start"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


@pytest.fixture
def started() -> Iterator[Callable[..., Process]]:
    """A function that starts a stand-in process: started(module, data, *options)."""
    processes: list[Process] = []

    def start(*arguments: Any) -> Process:
        processes.append(Process(*arguments))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()


@pytest.fixture
def stripe_url(tmp_path: Path) -> Iterator[str]:
    with served(stripe_stand_in.create_app(tmp_path, first_retry_seconds=0.05)) as url:
        yield url


@pytest.fixture
def sendgrid_url(tmp_path: Path) -> Iterator[str]:
    with served(sendgrid_stand_in.create_app(tmp_path)) as url:
        yield url


@asynccontextmanager
async def stripe_client(url: str, api_key: str = "sk_test_one") -> AsyncIterator[Any]:
    """Connect with Stripe's SDK, as payments does, without retries."""
    http: Any = stripe.HTTPXClient()
    yield stripe.StripeClient(
        api_key, base_addresses={"api": url}, http_client=http, max_network_retries=0
    )
    await http.close_async()


@pytest.fixture
def connect() -> Callable[..., Any]:
    """A function that opens an SDK client: `async with connect(url, api_key) as client`."""
    return stripe_client


@pytest.fixture
async def client(stripe_url: str) -> AsyncIterator[Any]:
    async with stripe_client(stripe_url) as client:
        yield client


@pytest.fixture
async def pay(client: Any) -> Client:
    """A function that creates and confirms a PaymentIntent of $20 with a test card."""

    async def pay_with(method: str, *, key: str | None = None, **params: Any) -> Any:
        method_params: dict[str, Any] = (
            {"payment_method_data": {"type": "card", "card": {"token": method}}}
            if method.startswith("tok_")
            else {"payment_method": method}
        )
        return await client.v1.payment_intents.create_async(
            {
                "amount": 2000,
                "currency": "usd",
                "confirm": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                **method_params,
                **params,
            },
            options={"idempotency_key": key} if key else {},
        )

    return pay_with


@pytest.fixture
async def stripe_http(stripe_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the Stripe stand-in with an API key."""
    headers = {"Authorization": "Bearer sk_test_one"}
    async with httpx.AsyncClient(base_url=stripe_url, headers=headers, timeout=20) as http:
        yield http


@pytest.fixture
def stripe_controls(stripe_url: str) -> StripeStandInClient:
    """The control API of the Stripe stand-in."""
    return StripeStandInClient(stripe_url, {"Authorization": "Bearer sk_test_one"})


@pytest.fixture
async def receiver(stripe_controls: StripeStandInClient) -> AsyncIterator[WebhookReceiver]:
    """An endpoint that receives the webhooks of the Stripe stand-in."""
    async with webhook_receiver() as receiver:
        await stripe_controls.set_webhook_endpoint(receiver.url, SECRET)
        yield receiver
        await stripe_controls.reset()  # stops deliveries to the closed endpoint


@pytest.fixture
async def sendgrid_http(sendgrid_url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer SG.one"}
    async with httpx.AsyncClient(base_url=sendgrid_url, headers=headers, timeout=20) as http:
        yield http
