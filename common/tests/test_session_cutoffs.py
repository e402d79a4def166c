from datetime import timedelta

from common.tests.sample_service import SampleListeners

from ticketing_common.events import UserChangedPassword, utc_now
from ticketing_common.web.sessions import SessionCutoff
from ticketing_testing import Served, an_event, somebody


async def test_session_before_a_password_change_is_refused(
    served: Served, sample: SampleListeners
) -> None:
    user = somebody()
    visitor = await served.visitor(user)
    other = await served.visitor(somebody())
    assert (await visitor.post("/api/items", json={"title": "a"})).status_code == 201

    await served.bus.say(an_event(UserChangedPassword, id=user.id, changed_at=utc_now()))
    await served.bus.settled(sample.listeners)

    refused = await visitor.post("/api/items", json={"title": "a"})
    assert refused.status_code == 401
    assert refused.json() == {"errors": [{"code": "not_signed_in", "message": "Not authorized"}]}
    assert (await other.post("/api/items", json={"title": "a"})).status_code == 201
    again = await served.visitor(user)
    assert (await again.post("/api/items", json={"title": "a"})).status_code == 201


async def test_cutoff_is_the_latest_in_any_order(served: Served, sample: SampleListeners) -> None:
    user, now = somebody(), utc_now()
    last = an_event(UserChangedPassword, id=user.id, version=2, changed_at=now)
    first = an_event(
        UserChangedPassword, id=user.id, version=1, changed_at=now - timedelta(minutes=1)
    )

    await served.bus.say(last, first, last, first)
    await served.bus.settled(sample.listeners)

    [cutoff] = await SessionCutoff.find_all().to_list()
    assert (str(cutoff.id), cutoff.changed_at) == (user.id, now)
