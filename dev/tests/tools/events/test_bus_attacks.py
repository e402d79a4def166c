"""Attacks with the stolen NATS password of one service."""

import json
from collections.abc import AsyncIterator

import pytest
from dev.tests.tools.events.nats_users import LISTENERS, STREAMS, Connect, NatsUser, publish
from nats.js.api import StreamConfig

from ticketing_common.events import TicketCreated, UserForgotPassword
from ticketing_common.messaging.streams import stream_of
from ticketing_ops.subscriptions import consumed_events
from ticketing_testing import eventually

API = "$JS.API"


@pytest.fixture
async def tickets(connect: Connect, operator: NatsUser) -> AsyncIterator[NatsUser]:
    """The attacker, who has the password of tickets."""
    async with connect("tickets") as user:
        yield user


async def state(operator: NatsUser) -> dict[str, tuple[StreamConfig, int, int]]:
    """Return each stream's configuration, last sequence number and number of consumers."""
    infos = await operator.js.streams_info()
    return {
        str(info.config.name): (info.config, info.state.last_seq, info.state.consumer_count)
        for info in infos
    }


async def attack(
    user: NatsUser, operator: NatsUser, subject: str, body: object, reply: str = ""
) -> None:
    """Send a request that must change nothing on the bus."""
    before = await state(operator)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    await user.client.publish(subject, data, reply=reply)
    await user.client.flush()
    # The stream's leader works off its requests in order, so this one comes after the attack.
    await operator.js.account_info()
    await operator.js.stream_info("PAYMENT")
    assert await state(operator) == before


async def test_stream_cannot_be_sourced_from_a_secret(
    tickets: NatsUser, operator: NatsUser
) -> None:
    await publish(operator, UserForgotPassword)
    config = (await operator.js.stream_info("TICKET")).config
    config.sources = []
    body = config.as_dict() | {"sources": [{"name": stream_of(UserForgotPassword)}]}
    await attack(tickets, operator, f"{API}.STREAM.UPDATE.TICKET", body)


async def test_stream_cannot_republish_to_another_event(
    tickets: NatsUser, operator: NatsUser
) -> None:
    config = (await operator.js.stream_info("TICKET")).config
    republish = {"src": "ticket.deleted", "dest": "payment.created"}
    body = config.as_dict() | {"republish": republish}
    await attack(tickets, operator, f"{API}.STREAM.UPDATE.TICKET", body)


@pytest.mark.parametrize("name", ["tickets", "tickets-1", "new"])
async def test_consumer_cannot_deliver_to_another_event(
    tickets: NatsUser, operator: NatsUser, name: str
) -> None:
    await publish(tickets, TicketCreated)
    body = {
        "stream_name": "TICKET",
        "config": {"name": name, "deliver_subject": "payment.created", "deliver_policy": "all"},
    }
    await attack(tickets, operator, f"{API}.CONSUMER.CREATE.TICKET.{name}", body)


REPLIES = (
    "payment.created",
    f"{API}.STREAM.PURGE.PAYMENT",
    f"{API}.STREAM.DELETE.PAYMENT",
    f"{API}.CONSUMER.DELETE.PAYMENT.orders",
    f"{API}.STREAM.CREATE.FORGED",
    "bus.API.STREAM.PURGE.PAYMENT",
    "stored.USER-SESSIONS.user.changed-password",
)
"""Where NATS could be made to send its response: it checks the permission for the request alone."""


@pytest.mark.parametrize("reply", REPLIES)
async def test_response_cannot_be_sent_to_others(
    tickets: NatsUser, operator: NatsUser, reply: str
) -> None:
    """The attacker writes the bodies of its own stream: an empty one, and a stream's settings."""
    await publish(operator, UserForgotPassword)
    js = tickets.js
    forged = {"name": "FORGED", "subjects": ["forged"], "sources": [{"name": "USER"}]}
    headers = {"ce-source": "/payments"}
    empty = (await js.publish("ticket.created", b"", headers=headers)).seq
    stream = (await js.publish("ticket.created", json.dumps(forged).encode())).seq
    received = await operator.client.subscribe(reply if reply.startswith("stored.") else "nothing")

    own = "ORDER.tickets"
    for subject, body in (
        (f"{API}.DIRECT.GET.TICKET", {"seq": empty}),
        (f"{API}.DIRECT.GET.TICKET", {"seq": stream}),
        (f"{API}.DIRECT.GET.TICKET", {"seq": stream + 1000}),
        (f"{API}.DIRECT.GET.TICKET", {"seq": empty, "batch": 2, "next_by_subj": ">"}),
        (f"{API}.STREAM.MSG.GET.TICKET", {"seq": stream}),
        (f"{API}.STREAM.INFO.TICKET", b""),
        (f"{API}.CONSUMER.INFO.{own}", b""),
        (f"{API}.CONSUMER.MSG.NEXT.{own}", {"no_wait": True, "batch": 1000}),
        (f"$JS.ACK.{own}.1.1.1.1.0", b"+NXT"),
    ):
        await attack(tickets, operator, subject, body, reply)
    assert received.pending_msgs == 0
    before = (await state(operator))["PAYMENT"]
    await tickets.client.publish("ticket.created", b"{}", reply=reply)
    await tickets.client.flush()
    assert (await state(operator))["PAYMENT"] == before


async def test_secret_is_read_by_contact_alone(connect: Connect, operator: NatsUser) -> None:
    stream = stream_of(UserForgotPassword)
    readers = {
        service for service, events in consumed_events().items() if UserForgotPassword in events
    }
    assert readers == {"contact"}
    for service in {*LISTENERS, "audit"} - {"contact"}:
        async with connect(service) as user:
            requests = [f"STREAM.MSG.GET.{stream}", f"DIRECT.GET.{stream}"]
            requests += [f"CONSUMER.MSG.NEXT.{stream}.contact"]
            await user.assert_cannot_publish(f"{API}.{request}" for request in requests)
            await user.assert_cannot_subscribe([f"stored.{stream}.>", "user.forgot-password"])


async def test_inbox_of_another_is_not_received(connect: Connect, operator: NatsUser) -> None:
    """Accounts are apart, so it has no message of others even where it may subscribe."""
    async with connect("orders") as orders, connect("tickets") as tickets:
        await tickets.assert_cannot_subscribe(["_INBOX.orders.>", "_INBOX.>", "ticket.>"])
        own = await tickets.client.subscribe("_INBOX.tickets.>")
        await orders.client.publish("_INBOX.tickets.1", b"")
        await orders.client.flush()
        await tickets.client.flush()
        assert own.pending_msgs == 0


async def test_streams_are_as_provisioned(operator: NatsUser) -> None:
    async def are_all_there() -> bool:
        return {*await state(operator)} == {*STREAMS}

    assert await eventually(are_all_there)
    for config, _, _ in (await state(operator)).values():
        assert not config.sources
        assert config.republish is None or config.republish.dest == f"stored.{config.name}.>"
