from typing import Any

import pytest

from ticketing_common.messaging.consuming import parking
from ticketing_common.persistence import parked_events


@pytest.fixture
def no_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps find nothing, so that only triggers handle parked events."""

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(parked_events, "claim", nothing)


@pytest.fixture
def quick_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "SWEEP_SECONDS", 0.02)
