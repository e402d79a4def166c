from datetime import timedelta

from common.tests.sample_service import SampleListeners

from ticketing_common.events import UserChangedPassword, utc_now
from ticketing_common.web.sessions import SessionCutoff
from ticketing_testing import RunningService, new_event, new_user


async def test_session_before_a_password_change_is_refused(
    served: RunningService, sample: SampleListeners
) -> None:
    user = new_user()
    visitor = await served.client(user)
    other = await served.client(new_user())
    assert (await visitor.post("/api/items", json={"title": "a"})).status_code == 201

    await served.bus.publish(new_event(UserChangedPassword, id=user.id, changed_at=utc_now()))
    await served.bus.wait_until_handled(sample.listeners)

    refused = await visitor.post("/api/items", json={"title": "a"})
    assert refused.status_code == 401
    assert refused.json() == {"errors": [{"code": "not_signed_in", "message": "Not authorized"}]}
    assert (await other.post("/api/items", json={"title": "a"})).status_code == 201
    again = await served.client(user)
    assert (await again.post("/api/items", json={"title": "a"})).status_code == 201


async def test_cutoff_is_the_latest_in_any_order(
    served: RunningService, sample: SampleListeners
) -> None:
    user, now = new_user(), utc_now()
    last = new_event(UserChangedPassword, id=user.id, version=2, changed_at=now)
    first = new_event(
        UserChangedPassword, id=user.id, version=1, changed_at=now - timedelta(minutes=1)
    )

    await served.bus.publish(last, first, last, first)
    await served.bus.wait_until_handled(sample.listeners)

    [cutoff] = await SessionCutoff.find_all().to_list()
    assert (str(cutoff.id), cutoff.changed_at) == (user.id, now)
