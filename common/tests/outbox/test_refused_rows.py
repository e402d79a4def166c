"""Rows that the broker refuses: they are set aside, and delay no other row."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import nats
import pytest
from common.tests.outbox.changes import change, fail_payments, is_empty, make
from common.tests.sample_service import CreateApp, SampleListeners, create_sample_service

from ticketing_common.backoff import Backoff
from ticketing_common.events import PaymentFailed, TicketCreated, TicketUpdated, utc_now
from ticketing_common.messaging import publish as publish_module
from ticketing_common.messaging import relay as relay_module
from ticketing_common.observability import metrics
from ticketing_common.persistence import outbox
from ticketing_common.settings import SessionSettings
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import Bus, RunningService, TestEnvironment, eventually, new_id, serve_app


def set_aside() -> float:
    return float(metrics.OUTBOX_SET_ASIDE._value.get())


async def refused_rows() -> list[dict[str, Any]]:
    return await outbox.rows().find({"attempts": {"$gt": 0}}).to_list()


@pytest.fixture
def fast_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 0.2)
    monkeypatch.setattr(relay_module, "REFUSED_BACKOFF", Backoff(0.2, 0.5))


@pytest.mark.usefixtures("fast_sweeps")
async def test_thousand_refused_rows_delay_no_other(served: RunningService) -> None:
    await served.bus.js.delete_stream("PAYMENT")
    for _ in range(4):
        await fail_payments(250)
    await eventually(lambda: _are_refused(1000))

    items = [await make() for _ in range(20)]
    await asyncio.gather(*(change(item.id) for item in items))

    assert len(await served.bus.published(TicketCreated, 20)) == 20
    assert len(await served.bus.published(TicketUpdated, 20)) == 20
    assert len(await refused_rows()) == 1000

    async def are_counted() -> bool:
        return set_aside() == 1000 and metrics.OUTBOX_SET_ASIDE_AGE._value.get() > 0

    assert await eventually(are_counted)

    await served.bus.provision()
    assert len(await served.bus.published(PaymentFailed, 1000)) == 1000
    assert await eventually(is_empty)

    async def are_none_counted() -> bool:
        return set_aside() == 0

    assert await eventually(are_none_counted)


async def _are_refused(count: int) -> bool:
    refused = len(await refused_rows())
    assert refused >= count, f"{refused} of {count} rows are refused"
    return True


async def test_refused_row_is_set_aside_with_its_error(served: RunningService) -> None:
    await served.bus.js.delete_stream("PAYMENT")
    order_id = new_id()
    [first] = await fail_payments(1, order_id)
    await eventually(lambda: _are_refused(1))
    [second] = await fail_payments(1, order_id)

    async def waits() -> list[dict[str, Any]]:
        rows = await outbox.rows().find().sort("_id", 1).to_list()
        assert all("set_aside_at" in row for row in rows), rows
        return rows

    head, follower = await eventually(waits)
    assert head["attempts"] >= 1
    assert "NoStreamResponseError" in head["last_error"]
    assert head["next_attempt_at"] > head["set_aside_at"]
    # It waits for the first one, and is not offered to the broker.
    assert "attempts" not in follower
    assert follower["next_attempt_at"] <= head["next_attempt_at"]
    assert second.order_id == first.order_id


@pytest.mark.usefixtures("fast_sweeps")
async def test_refused_row_keeps_the_order_of_its_aggregate(served: RunningService) -> None:
    await served.bus.js.delete_stream("PAYMENT")
    orders = [new_id() for _ in range(5)]
    expected: dict[str, list[str]] = {order_id: [] for order_id in orders}
    for _ in range(4):
        for order_id in orders:
            [event] = await fail_payments(1, order_id)
            expected[order_id].append(event.id)
    await eventually(lambda: _are_refused(5))
    await served.bus.provision()
    for order_id in orders:
        [event] = await fail_payments(1, order_id)
        expected[order_id].append(event.id)

    published = await served.bus.published(PaymentFailed, 25)

    for order_id, ids in expected.items():
        assert [event.id for event in published if event.order_id == order_id] == ids


@pytest.mark.usefixtures("fast_sweeps")
async def test_too_large_row_is_set_aside(served: RunningService) -> None:
    config = (await served.bus.js.stream_info("TICKET")).config
    await served.bus.js.update_stream(config.evolve(max_msg_size=600))
    item = await make()
    await served.bus.published(TicketCreated)
    # The broker refuses a larger one with an API error.
    await outbox.rows().insert_one(row("ticket.updated", str(item.id), b"x" * 1000, version=1))
    await eventually(lambda: _are_refused(1))

    await make()

    assert len(await served.bus.published(TicketCreated, 2)) == 2
    [refused] = await refused_rows()
    assert "APIError" in refused["last_error"] or "BadRequest" in refused["last_error"]


@pytest.mark.usefixtures("fast_sweeps")
async def test_malformed_row_is_set_aside(served: RunningService) -> None:
    malformed = row("ticket.created", new_id(), b"")
    del malformed["headers"]
    await outbox.rows().insert_many([malformed, row("a subject with spaces", new_id(), b"{}")])
    await eventually(lambda: _are_refused(2))

    await make()

    assert await served.bus.published(TicketCreated)


@pytest.mark.usefixtures("fast_sweeps")
async def test_subject_without_answers_delays_no_other(
    served: RunningService, environment: TestEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (relay_module, publish_module):
        monkeypatch.setattr(module, "PUBLISH_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(relay_module, "MAX_ACTIVE", 10)
    connection = await nats.connect(environment.nats_url)
    try:
        # A responder that never responds, as a stream without a leader.
        await connection.subscribe("silent")
        await connection.flush()
        await outbox.rows().insert_many([row("silent", new_id(), b"{}") for _ in range(100)])
        await eventually(lambda: _are_refused(10))

        for _ in range(10):
            await make()

        assert len(await served.bus.published(TicketCreated, 10)) == 10
        for refused in await refused_rows():
            assert "TimeoutError" in refused["last_error"]
    finally:
        await connection.close()


@pytest.mark.usefixtures("ignore_broken_connections", "fast_sweeps")
async def test_unavailable_broker_sets_no_row_aside(
    environment: TestEnvironment, sample: SampleListeners, tmp_path: Path
) -> None:
    with running(servers.nats(free_port(), tmp_path)) as server:
        settings = SessionSettings(**(environment.settings() | {"nats_url": server.spec.url}))
        app = create_sample_service(settings, sample.listeners)
        async with Bus.open(server.spec.url) as bus, serve_app(app, bus):
            server.kill()
            await asyncio.gather(*(make() for _ in range(20)))
            failures = metrics.PUBLISH_FAILURES._value.get()

            async def has_failed_again() -> bool:
                return bool(metrics.PUBLISH_FAILURES._value.get() >= failures + 2)

            assert await eventually(has_failed_again)
            assert await refused_rows() == []
            await asyncio.to_thread(server.start)
            assert len(await bus.published(TicketCreated, 20)) == 20


async def test_row_of_an_earlier_release_is_published(
    environment: TestEnvironment, create_app: CreateApp
) -> None:
    """Its rows have no time of the next attempt."""
    async with Bus.open(environment.nats_url) as bus, environment.serve(create_app()):
        old = row("ticket.updated", new_id(), b"{}", version=3)
        del old["next_attempt_at"]
        await outbox.rows().insert_one(old)

        async def is_published() -> bool:
            return (await bus.js.get_last_msg("TICKET", "ticket.updated")).data == b"{}"

        await eventually(is_empty)
        assert await is_published()


def row(subject: str, aggregate_id: str, body: bytes, version: int = 0) -> dict[str, Any]:
    """Return a row that another process left behind a minute ago."""
    time = utc_now() - timedelta(minutes=1)
    return {
        "aggregate_id": aggregate_id,
        "aggregate_version": version,
        "created_at": time,
        "next_attempt_at": time,
        "subject": subject,
        "headers": {"Nats-Msg-Id": new_id(), "ce-id": new_id()},
        "body": body,
    }
