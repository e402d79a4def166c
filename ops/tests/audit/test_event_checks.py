"""Events without a record at their consumer."""

from datetime import timedelta

from ops.tests.audit.conftest import RunAudit, kinds_and_ids
from ops.tests.audit.shop import Shop

from ticketing_common.events import UserForgotPassword, UserSignedIn, utc_now
from ticketing_common.messaging.streams import DEAD_LETTER_STREAM
from ticketing_ops.events.dead_letters import dead_letters, discard
from ticketing_testing import new_id


async def publish_dead_letter(shop: Shop, message_id: str, event_id: str = "") -> None:
    """Publish a dead letter of contact."""
    headers = {
        "ce-id": event_id,
        "Nats-Msg-Id": message_id,
        "Dead-Letter-Listener": "contact.mail_sign_in",
        "Dead-Letter-Subject": "user.signed-in",
        "Dead-Letter-Cause": "There is no recipient",
    }
    subject = "dead-letter.contact.user.signed-in"
    await shop.js.publish(subject, b"{}", headers=headers, stream=DEAD_LETTER_STREAM)


async def kinds(run_audit: RunAudit) -> list[str]:
    """Return the kinds that an audit finds."""
    return [kind for kind, _ in kinds_and_ids(await run_audit())]


async def test_lost_event_check_ignores_a_dead_letter(shop: Shop, run_audit: RunAudit) -> None:
    await shop.publish(UserSignedIn(id=shop.buyer, version=2))
    await shop.acknowledge_all()
    assert await kinds(run_audit) == ["event-lost"]

    last = (await shop.js.stream_info("USER")).state.last_seq
    await publish_dead_letter(shop, f"contact:USER:{last}")
    assert await kinds(run_audit) == ["dead-letters"]


async def test_lost_event_check_ignores_a_dead_letter_of_a_retry(
    shop: Shop, run_audit: RunAudit
) -> None:
    event_id = await shop.publish(UserSignedIn(id=shop.buyer, version=2))
    await shop.acknowledge_all()
    await publish_dead_letter(shop, "contact:REPLAY:7", event_id)
    assert await kinds(run_audit) == ["dead-letters"]


async def test_lost_event_check_recognises_an_invalid_message_by_its_sequence(
    shop: Shop, run_audit: RunAudit
) -> None:
    published = await shop.js.publish("user.signed-in", b"no JSON")
    await shop.acknowledge_all()
    assert await kinds(run_audit) == ["event-lost"]

    await publish_dead_letter(shop, f"contact:USER:{published.seq}")
    assert await kinds(run_audit) == ["dead-letters"]


async def test_lost_event_check_ignores_a_discarded_dead_letter(
    shop: Shop, run_audit: RunAudit
) -> None:
    published = await shop.js.publish("user.signed-in", b"no JSON")
    await shop.acknowledge_all()
    await publish_dead_letter(shop, f"contact:USER:{published.seq}")
    [dead_letter] = [found async for found in dead_letters(shop.js)]
    old = (await shop.js.stream_info(DEAD_LETTER_STREAM)).config
    await shop.js.update_stream(old.evolve(subjects=["dead-letter.>"]))

    await discard(shop.js, dead_letter.number)

    assert [found async for found in dead_letters(shop.js)] == []
    assert await kinds(run_audit) == []


async def test_lost_event_check_ignores_a_parked_event(shop: Shop, run_audit: RunAudit) -> None:
    event_id = await shop.publish(UserSignedIn(id=shop.buyer, version=2), id="no object id")
    await shop.acknowledge_all()
    assert await kinds(run_audit) == ["event-lost"]

    await shop.databases["contact"]["parked_events"].insert_one(
        {
            "_id": event_id,
            "subject": "user.signed-in",
            "aggregate_id": shop.buyer,
            "reason": "the recipient is not known yet",
            "parked_at": utc_now() - timedelta(minutes=1),
        }
    )
    assert await kinds(run_audit) == ["event-parked"]


async def test_lost_event_check_ignores_an_unacknowledged_event(
    shop: Shop, run_audit: RunAudit
) -> None:
    await shop.publish(UserSignedIn(id=shop.buyer, version=2))
    assert await kinds(run_audit) == ["events-not-handled"]


async def test_lost_event_with_a_secret_has_no_repair(shop: Shop, run_audit: RunAudit) -> None:
    token = {"value": "secret", "expiresAt": utc_now() + timedelta(minutes=15)}
    await shop.publish(
        UserForgotPassword.model_validate({"id": shop.buyer, "version": 3, "token": token})
    )
    await shop.acknowledge_all()

    [lost] = (await run_audit()).findings
    assert lost.kind.name == "event-lost"
    assert lost.repair is None
    assert "secret" not in str(lost)


async def test_consumer_check_ignores_a_consumer_with_progress(
    shop: Shop, run_audit: RunAudit
) -> None:
    await shop.publish(UserSignedIn(id=shop.buyer, version=2), id="first")
    await shop.databases["contact"]["inbox"].insert_one({"_id": "first", "handled_at": utc_now()})

    async def acknowledge_and_publish() -> None:
        """Acknowledge the first event, and publish another."""
        await shop.acknowledge_all()
        await shop.publish(UserSignedIn(id=shop.buyer, version=3))

    assert kinds_and_ids(await run_audit(resolve=acknowledge_and_publish)) == []


async def test_unpublished_event_check_shows_the_refusal(shop: Shop, run_audit: RunAudit) -> None:
    await shop.insert(
        "orders",
        "outbox",
        _id=new_id(),
        aggregate_id=shop.complete,
        subject="order.completed",
        created_at=utc_now() - timedelta(minutes=1),
        attempts=7,
        last_error="NoStreamResponseError: nats: no response from stream",
    )

    [finding] = (await run_audit()).findings

    assert finding.kind.name == "event-not-published"
    assert "NATS refused it 7 times: NoStreamResponseError" in finding.problem
