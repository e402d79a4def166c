import asyncio
from datetime import timedelta

import pytest

from ticketing_common.errors import Unavailable
from ticketing_common.events import UserSessionEnded, utc_now
from ticketing_common.sessions.cutoffs import HISTORY, SessionCutoffs
from ticketing_common.sessions.tokens import LEEWAY, TOKEN_AGE, Session
from ticketing_testing import new_event, new_id, new_session, new_user


def loaded(*events: UserSessionEnded, max_in_memory: int = 10) -> SessionCutoffs:
    cutoffs = SessionCutoffs(max_in_memory)
    for event in events:
        cutoffs.apply(event)
    cutoffs.has_all()
    return cutoffs


def end_of(session: Session, *, ago: timedelta = timedelta(0)) -> UserSessionEnded:
    return new_event(UserSessionEnded, id=session.user.id, sid=session.id, ended_at=utc_now() - ago)


def end_of_all(session: Session) -> UserSessionEnded:
    return new_event(UserSessionEnded, id=session.user.id, sid=None, ended_at=utc_now())


def has_ended(cutoffs: SessionCutoffs, session: Session) -> bool:
    return asyncio.run(cutoffs.has_ended(session))


DAY = timedelta(days=1)


def test_end_of_a_session_ends_no_other() -> None:
    ann = new_user()
    one, other = new_session(ann, age=DAY), new_session(ann, age=DAY)

    cutoffs = loaded(end_of(one))

    assert has_ended(cutoffs, one)
    assert not has_ended(cutoffs, other)


def test_end_of_all_sessions_ends_those_that_began_before() -> None:
    ann, bob = new_user(), new_user()
    before = [new_session(ann, age=DAY), new_session(ann, age=timedelta(seconds=1))]
    event = end_of_all(before[0])
    after = Session.issue(ann, new_id(), event.ended_at)

    cutoffs = loaded(event)

    assert all(has_ended(cutoffs, session) for session in before)
    assert not has_ended(cutoffs, after)
    assert not has_ended(cutoffs, new_session(bob, age=DAY))


def test_latest_end_of_all_sessions_counts_in_any_order() -> None:
    session = new_session(new_user(), age=timedelta(minutes=30))
    first, last = end_of_all(session), end_of_all(session)
    first = first.model_copy(update={"ended_at": utc_now() - timedelta(hours=1)})

    assert has_ended(loaded(last, first, first), session)
    assert not has_ended(loaded(first), session)


def test_nothing_is_known_before_the_cutoffs_are_loaded() -> None:
    cutoffs, session = SessionCutoffs(), new_session(new_user())

    with pytest.raises(Unavailable):
        has_ended(cutoffs, session)
    cutoffs.has_all()
    assert not has_ended(cutoffs, session)


def test_tokens_from_before_a_dropped_cutoff_must_be_renewed() -> None:
    sessions = [new_session(new_user(), age=DAY) for _ in range(4)]
    hours = (4, 3, 2, 1)

    cutoffs = loaded(
        *(
            end_of(session, ago=timedelta(hours=each))
            for session, each in zip(sessions, hours, strict=True)
        ),
        max_in_memory=2,
    )

    def issued(session: Session, ago: timedelta) -> Session:
        return Session(
            session.user, session.id, session.began_at, utc_now() - ago, session.expires_at
        )

    # Of four, the two latest are in memory: the others are known by the age of the token.
    for session, each in zip(sessions, hours, strict=True):
        assert has_ended(cutoffs, issued(session, timedelta(hours=each, minutes=1)))
    stranger = new_session(new_user(), age=DAY)
    assert has_ended(cutoffs, issued(stranger, timedelta(hours=3)))
    assert not has_ended(cutoffs, issued(stranger, timedelta(hours=3) - 2 * LEEWAY))


def test_cutoffs_of_expired_tokens_are_forgotten() -> None:
    old, new = new_session(new_user(), age=2 * DAY), new_session(new_user(), age=2 * DAY)

    cutoffs = loaded(end_of(old, ago=HISTORY + timedelta(minutes=1)), end_of(new))

    assert len(cutoffs._cutoffs) == 1
    assert has_ended(cutoffs, new)
    assert HISTORY > TOKEN_AGE + LEEWAY
