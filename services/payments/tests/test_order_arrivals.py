"""Requests to pay for an order whose OrderCreated is still on its way."""

import asyncio
import functools
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from beanie import PydanticObjectId
from services.payments.tests.responses import error_of

from payments import order_arrivals
from payments.domain.documents import Order, Payment
from payments.handlers import listeners
from payments.order_arrivals import OrderArrivals
from ticketing_common.events import OrderCreated
from ticketing_common.web.middleware.concurrency_limit import MAX_CONCURRENT_REQUESTS
from ticketing_common.web.sessions import SessionUser
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import (
    Bus,
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_user,
    session_cookies,
)
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.timeouts import TIMEOUT_SECONDS

Pay = Callable[..., Awaitable["asyncio.Task[httpx.Response]"]]


@pytest.fixture
def arrivals(payments: RunningService) -> OrderArrivals:
    """The waits of the running service."""
    found: OrderArrivals = payments.app.state.order_arrivals
    return found


@pytest.fixture
def long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits until a test ends its wait."""
    monkeypatch.setattr(order_arrivals, "WAIT_SECONDS", TIMEOUT_SECONDS)


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_arrivals, "WAIT_SECONDS", 0.2)


@pytest.fixture
def pay(payments: RunningService, arrivals: OrderArrivals) -> Pay:
    """A function that sends a request to pay, and returns it once it waits or has its response."""

    async def send(order: OrderCreated, user: SessionUser | None = None, **headers: str) -> Any:
        client = await payments.client(user or SessionUser(id=order.user_id, email="a@b.example"))
        before = waits(arrivals)
        body = {"orderId": order.id, "token": "tok_visa"}
        request = asyncio.create_task(client.post("/api/payments", json=body, headers=headers))

        async def has_begun() -> bool:
            return request.done() or waits(arrivals) > before

        await eventually(has_begun)
        return request

    return send


def waits(arrivals: OrderArrivals) -> int:
    return arrivals._by_user.total()


async def insert_copy(order: OrderCreated) -> None:
    """Insert the copy of an order as another process does."""
    await Order(
        id=PydanticObjectId(order.id),
        user_id=order.user_id,
        status=order.status,
        expires_at=order.expires_at,
        price=order.ticket.price,
        title=order.ticket.title,
        ticket_id=order.ticket.id,
    ).insert()


@pytest.mark.usefixtures("long_wait")
async def test_create_payment_waits_for_the_event_of_its_order(
    payments: RunningService, arrivals: OrderArrivals, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_arrivals, "POLL_SECONDS", TIMEOUT_SECONDS)
    order = new_event(OrderCreated)
    request = await pay(order)

    await payments.bus.publish(order)

    assert (await request).status_code == 201
    assert waits(arrivals) == 0


@pytest.mark.usefixtures("long_wait")
async def test_create_payment_finds_the_order_that_another_process_stored(pay: Pay) -> None:
    order, other = new_event(OrderCreated), new_event(OrderCreated)
    request, other_request = await pay(order), await pay(other)

    await insert_copy(order)

    assert (await request).status_code == 201
    assert not other_request.done()
    await insert_copy(other)
    assert (await other_request).status_code == 201


@pytest.mark.usefixtures("short_wait")
async def test_create_payment_returns_404_if_its_order_does_not_arrive(
    arrivals: OrderArrivals, pay: Pay
) -> None:
    request = await pay(new_event(OrderCreated))

    assert error_of(await request) == (404, "not_found", "Not found")
    assert waits(arrivals) == 0


@pytest.mark.usefixtures("long_wait")
async def test_create_payment_returns_404_at_once_above_the_limit_of_an_account(
    arrivals: OrderArrivals, pay: Pay
) -> None:
    user = new_user()
    orders = [new_event(OrderCreated, user_id=user.id) for _ in range(3)]
    waiting = [await pay(order) for order in orders]

    assert (await (await pay(new_event(OrderCreated), user))).status_code == 404

    another = await pay(new_event(OrderCreated))
    assert not another.done()
    await insert_copy(orders[0])
    assert (await waiting[0]).status_code == 201
    assert not (await pay(new_event(OrderCreated), user)).done(), "one of the three has ended"
    arrivals.close()


@pytest.mark.usefixtures("long_wait")
async def test_create_payment_returns_404_at_once_above_the_limit_of_the_process(
    payments: RunningService, pay: Pay, arrivals: OrderArrivals
) -> None:
    arrivals._max_waits = 2
    waiting = [await pay(new_event(OrderCreated)) for _ in range(2)]

    assert (await (await pay(new_event(OrderCreated)))).status_code == 404

    assert not any(request.done() for request in waiting)
    arrivals.close()


@pytest.mark.usefixtures("long_wait")
async def test_waiting_requests_do_not_count_towards_the_concurrency_limit(
    pay: Pay, arrivals: OrderArrivals, payments: RunningService
) -> None:
    waiting = [await pay(new_event(OrderCreated)) for _ in range(MAX_CONCURRENT_REQUESTS)]

    order = new_event(OrderCreated)
    await payments.bus.publish(order)
    await payments.bus.wait_until_handled(listeners)

    assert (await (await pay(order))).status_code == 201
    assert not any(request.done() for request in waiting)
    arrivals.close()


@pytest.mark.usefixtures("long_wait")
async def test_create_payment_does_not_wait_for_a_malformed_id(payments: RunningService) -> None:
    client = await payments.client(new_user())
    body = {"orderId": "12", "token": "tok_visa"}
    async with asyncio.timeout(TIMEOUT_SECONDS / 2):
        response = await client.post("/api/payments", json=body)
    assert response.status_code == 400


@pytest.mark.usefixtures("long_wait")
async def test_create_payment_returns_401_if_the_order_that_arrives_is_of_another_user(
    payments: RunningService, pay: Pay
) -> None:
    order = new_event(OrderCreated)
    request = await pay(order, new_user())

    await payments.bus.publish(order)

    assert error_of(await request) == (401, "not_owner", "Not authorized")


@pytest.mark.usefixtures("long_wait")
async def test_create_payment_keeps_its_idempotency_key_during_the_wait(
    payments: RunningService, pay: Pay
) -> None:
    order = new_event(OrderCreated)
    headers = {"Idempotency-Key": "k1"}
    request = await pay(order, **headers)
    assert error_of(await (await pay(order, **headers)))[:2] == (409, "request_in_progress")

    await payments.bus.publish(order)

    first = await request
    again = await (await pay(order, **headers))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()


@pytest.mark.usefixtures("long_wait")
async def test_create_payment_pays_nothing_for_a_client_that_left(
    payments: RunningService, arrivals: OrderArrivals, pay: Pay
) -> None:
    order = new_event(OrderCreated)
    request = await pay(order)

    request.cancel()

    async def has_ended() -> bool:
        return waits(arrivals) == 0

    await eventually(has_ended)
    await payments.bus.publish(order)
    await payments.bus.wait_until_handled(listeners)
    assert await Payment.count() == 0


@pytest.mark.usefixtures("long_wait")
async def test_close_ends_waits_with_503_and_allows_no_new_ones(
    arrivals: OrderArrivals, pay: Pay
) -> None:
    request = await pay(new_event(OrderCreated))

    arrivals.close()

    for response in (await request, await (await pay(new_event(OrderCreated)))):
        assert error_of(response)[:2] == (503, "unavailable")
        assert response.headers["Retry-After"] == "1"


async def test_shutdown_signal_ends_a_wait(
    environment: TestEnvironment, settings: dict[str, Any], tmp_path: Path
) -> None:
    spec = services.service("payments", free_port(), tmp_path, environment_variables(settings))
    order = new_event(OrderCreated)
    user = SessionUser(id=order.user_id, email="a@b.example")
    cookies = session_cookies(user)
    body = {"orderId": order.id, "token": "tok_visa"}
    async with (
        Bus.open(environment.nats_url, "payments"),
        run_process(spec) as process,
        httpx.AsyncClient(base_url=spec.url, cookies=cookies, timeout=TIMEOUT_SECONDS) as client,
    ):
        headers = {"Idempotency-Key": "k1"}
        post = functools.partial(client.post, "/api/payments", json=body, headers=headers)

        async def waiting_request() -> "asyncio.Task[httpx.Response] | None":
            both = {asyncio.create_task(post()), asyncio.create_task(post())}
            done, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            in_progress = {request.result().status_code for request in done} == {409}
            return waiting.pop() if in_progress and waiting else None

        request = await eventually(waiting_request)
        assert request is not None
        process._signal_group(signal.SIGTERM)

        assert error_of(await request)[:2] == (503, "unavailable")  # not a 404 after two seconds
