"""Tests that share a market are run by one process: pytest-xdist forgot so once, silently."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="needs several processes")
@pytest.mark.xdist_group("some")
def test_a_group_of_tests_stays_together(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@some")
