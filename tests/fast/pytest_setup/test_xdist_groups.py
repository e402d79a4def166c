"""Tests of one group run in one process. A release of pytest-xdist ignored groups silently."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="needs several processes")
@pytest.mark.xdist_group("example")
def test_xdist_keeps_groups(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@example")
