"""Lists: order, pages and the filters of events."""

from typing import Any

import pytest
import stripe
from dev.tests.standins.stripe_api.sdk import Pay


async def test_list_is_newest_first_and_paged_by_cursor(client: Any, pay: Pay) -> None:
    """PAGINATION: reverse chronological order, a limit of 1 to 100, starting_after a given one."""
    made = [(await pay("pm_card_visa", amount=1000 + number)).id for number in range(5)]
    intents = client.v1.payment_intents
    first = await intents.list_async({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (made[:2:-1], True)
    after = await intents.list_async({"limit": 3, "starting_after": made[3]})
    assert ([one.id for one in after.data], after.has_more) == (made[2::-1], False)
    before = await intents.list_async({"limit": 1, "ending_before": made[1]})
    assert ([one.id for one in before.data], before.has_more) == ([made[2]], True)
    with pytest.raises(stripe.InvalidRequestError):
        await intents.list_async({"limit": 101})
    everything = [one.id async for one in first.auto_paging_iter()]
    assert everything == made[::-1]


async def test_event_list_filters_by_type(client: Any, pay: Pay) -> None:
    """EVENTS: by `type`, in which * is a wildcard, or by up to 20 `types`, but not by both."""
    for _ in range(2):
        await pay("pm_card_visa")
    every = client.v1.events.list_async

    async def types(**asked: Any) -> list[str]:
        return [event.type async for event in (await every(asked)).auto_paging_iter()]

    assert await types(type="charge.succeeded") == ["charge.succeeded"] * 2
    assert (
        await types(type="payment_intent.*", limit=1)
        == [
            "payment_intent.succeeded",
            "payment_intent.created",
        ]
        * 2
    )
    both = ["payment_intent.created", "charge.succeeded"]
    assert await types(types=both, limit=1) == both[::-1] * 2
    assert await types(types=["charge.refunded"]) == []
    for wrong in ({"types": both, "type": "charge.*"}, {"types": ["a"] * 21}):
        with pytest.raises(stripe.InvalidRequestError):
            await every(wrong)


async def test_event_list_filters_by_time_and_cursor(client: Any, pay: Pay) -> None:
    """EVENTS: `created` takes gt, gte, lt and lte; a cursor selects the page."""
    await pay("pm_card_visa")
    every = client.v1.events.list_async
    newest, middle, oldest = (await every()).data
    then = newest.created
    assert len((await every({"created": {"gte": oldest.created, "lte": then}})).data) == 3
    assert (await every({"created": {"gt": then}})).data == []
    assert (await every({"created": {"lt": oldest.created}})).data == []
    after = await every({"starting_after": newest.id, "limit": 1})
    assert ([event.id for event in after.data], after.has_more) == ([middle.id], True)
    before = await every({"ending_before": middle.id})
    assert [event.id for event in before.data] == [newest.id]
