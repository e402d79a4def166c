from datetime import timedelta

from common.tests.workshop import Workshop

from ticketing_common.events import UserChangedPassword, utc_now
from ticketing_common.web.sessions import SessionCutoff
from ticketing_testing import Served, an_event, somebody


async def test_a_session_from_before_a_change_of_password_is_refused(
    served: Served, workshop: Workshop
) -> None:
    user = somebody()
    visitor = await served.visitor(user)
    other = await served.visitor(somebody())
    assert (await visitor.post("/api/things", json={"title": "a"})).status_code == 201

    await served.bus.say(an_event(UserChangedPassword, id=user.id, changed_at=utc_now()))
    await served.bus.settled(workshop.listeners)

    refused = await visitor.post("/api/things", json={"title": "a"})
    assert refused.status_code == 401
    assert refused.json() == {"errors": [{"message": "Not authorized"}]}
    assert (await other.post("/api/things", json={"title": "a"})).status_code == 201
    again = await served.visitor(user)
    assert (await again.post("/api/things", json={"title": "a"})).status_code == 201


async def test_changes_of_password_heard_twice_and_in_any_order_end_what_the_last_one_ends(
    served: Served, workshop: Workshop
) -> None:
    user, now = somebody(), utc_now()
    last = an_event(UserChangedPassword, id=user.id, version=2, changed_at=now)
    first = an_event(
        UserChangedPassword, id=user.id, version=1, changed_at=now - timedelta(minutes=1)
    )

    await served.bus.say(last, first, last, first)
    await served.bus.settled(workshop.listeners)

    [cutoff] = await SessionCutoff.find_all().to_list()
    assert (str(cutoff.id), cutoff.changed_at) == (user.id, now)
