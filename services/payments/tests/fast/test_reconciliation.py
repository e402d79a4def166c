"""Reconciliation: the windows of time that it reads one after another."""

from datetime import timedelta
from itertools import pairwise

from payments.jobs import reconciliation
from ticketing_common.events import utc_now


def test_windows_cover_the_time_without_a_gap() -> None:
    since = utc_now() - timedelta(days=30)
    windows = list(reconciliation.windows(since))
    assert windows[0][0] == since
    assert all(window[1] == following[0] for window, following in pairwise(windows))
    assert all(until - begin <= reconciliation.WINDOW for begin, until in windows)
    assert utc_now() - windows[-1][1] < timedelta(minutes=1)
