"""Events, their traces, and what becomes of those that left none."""

from datetime import timedelta

from ops.tests.audit.conftest import Look_at, told
from ops.tests.audit.shop import Shop

from ticketing_common.events import UserForgotPassword, UserSignedIn, utc_now
from ticketing_common.messaging.streams import DEAD_LETTERS
from ticketing_ops.events.dead_letters import discard, letters


async def bury(shop: Shop, message_id: str, event_id: str = "") -> None:
    """Have contact have given an event up."""
    headers = {
        "ce-id": event_id,
        "Nats-Msg-Id": message_id,
        "Dead-Letter-Listener": "contact.tell_of_sign_in",
        "Dead-Letter-Subject": "user.signed-in",
        "Dead-Letter-Cause": "Have not heard of Recipient",
    }
    subject = "dead-letter.contact.user.signed-in"
    await shop.js.publish(subject, b"{}", headers=headers, stream=DEAD_LETTERS)


async def kinds(look_at: Look_at) -> list[str]:
    return [kind for kind, _ in told(await look_at())]


async def test_a_dead_letter_is_not_lost_as_well(shop: Shop, look_at: Look_at) -> None:
    await shop.say(UserSignedIn(id=shop.buyer, version=2))
    await shop.settle()
    assert await kinds(look_at) == ["event-lost"]

    last = (await shop.js.stream_info("USER")).state.last_seq
    await bury(shop, f"contact:USER:{last}")
    assert await kinds(look_at) == ["dead-letters"]


async def test_nor_is_one_that_was_tried_again_and_failed_again(
    shop: Shop, look_at: Look_at
) -> None:
    event_id = await shop.say(UserSignedIn(id=shop.buyer, version=2))
    await shop.settle()
    await bury(shop, "contact:AGAIN:7", event_id)
    assert await kinds(look_at) == ["dead-letters"]


async def test_one_that_cannot_even_be_read_is_told_by_its_place(
    shop: Shop, look_at: Look_at
) -> None:
    published = await shop.js.publish("user.signed-in", b"no JSON")
    await shop.settle()
    assert await kinds(look_at) == ["event-lost"]

    await bury(shop, f"contact:USER:{published.seq}")
    assert await kinds(look_at) == ["dead-letters"]


async def test_one_that_was_discarded_is_neither_lost_nor_a_dead_letter(
    shop: Shop, look_at: Look_at
) -> None:
    published = await shop.js.publish("user.signed-in", b"no JSON")
    await shop.settle()
    await bury(shop, f"contact:USER:{published.seq}")
    [letter] = [letter async for letter in letters(shop.js)]
    old = (await shop.js.stream_info(DEAD_LETTERS)).config
    await shop.js.update_stream(old.evolve(subjects=["dead-letter.>"]))

    await discard(shop.js, letter.number)

    assert [letter async for letter in letters(shop.js)] == []
    assert await kinds(look_at) == []


async def test_what_has_not_been_answered_for_is_late_and_not_lost(
    shop: Shop, look_at: Look_at
) -> None:
    await shop.say(UserSignedIn(id=shop.buyer, version=2))
    assert await kinds(look_at) == ["events-not-handled"]


async def test_an_event_with_a_secret_is_never_told_again(shop: Shop, look_at: Look_at) -> None:
    token = {"value": "secret", "expiresAt": utc_now() + timedelta(minutes=15)}
    await shop.say(
        UserForgotPassword.model_validate({"id": shop.buyer, "version": 3, "token": token})
    )
    await shop.settle()

    [lost] = (await look_at()).findings
    assert lost.kind.name == "event-lost"
    assert lost.repair is None
    assert "secret" not in str(lost)


async def test_only_a_consumer_that_stands_still_is_behind(shop: Shop, look_at: Look_at) -> None:
    await shop.say(UserSignedIn(id=shop.buyer, version=2), id="first")
    await shop.databases["contact"]["inbox"].insert_one({"_id": "first", "at": utc_now()})

    async def go_on() -> None:
        """contact answers for that one, and somebody signs in again."""
        await shop.settle()
        await shop.say(UserSignedIn(id=shop.buyer, version=3))

    assert told(await look_at(heal=go_on)) == []
