"""Limits that replicas share, over a real Redis that can go away."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from prometheus_client import REGISTRY

from ticketing_common import circuit_breaker
from ticketing_common.limits.counters import RedisCounters
from ticketing_common.limits.limiter import DEPENDENCY, Limiter
from ticketing_common.limits.quota import Quota
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import eventually
from ticketing_testing.processes import run_process
from ticketing_testing.timeouts import TIMEOUT_SECONDS

NAME = "guesses"
QUOTAS = {NAME: Quota.parse(NAME, "10 per hour")}


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Process]:
    """A Redis that the test can stop."""
    spec = servers.redis(free_port(), tmp_path / "redis", durable=False)
    async with run_process(spec) as process:
        yield process


@pytest.fixture
async def replicas(
    redis: Process, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Limiter, Limiter]]:
    """Two limiters that count in the same Redis, and ask it again soon after a failure."""
    monkeypatch.setattr(circuit_breaker, "RECOVERY_SECONDS", 0.2)
    limiters = [Limiter(QUOTAS, RedisCounters(redis.spec.url)) for _ in range(2)]
    yield limiters[0], limiters[1]
    for limiter in limiters:
        await limiter.close()


async def hits(limiter: Limiter, number: int, key: str = "ada") -> int:
    """Count some. Returns how many were refused."""
    usages = [await limiter.hit(NAME, key) for _ in range(number)]
    return sum(usage.exceeded for usage in usages)


def is_circuit_open() -> bool:
    return REGISTRY.get_sample_value("circuit_open", {"dependency": DEPENDENCY}) == 1


async def test_replicas_count_together(replicas: tuple[Limiter, Limiter]) -> None:
    one, other = replicas

    refused = await hits(one, 8) + await hits(other, 8)

    assert refused == 6
    usage = await other.check(NAME, "ada")
    assert usage.exceeded
    assert 3590 < (usage.reset_seconds or 0) <= 3601
    await other.clear(NAME, "ada")
    assert not (await one.check(NAME, "ada")).exceeded


async def test_process_counts_alone_while_redis_is_away(
    redis: Process, replicas: tuple[Limiter, Limiter]
) -> None:
    await hits(replicas[0], 10)
    redis.kill()

    with structlog.testing.capture_logs() as logs:
        refused = [await hits(each, 12) for each in replicas]

    assert refused == [2, 2]
    assert is_circuit_open()
    opened = [line for line in logs if line["event"] == "circuit.opened"]
    assert [line["dependency"] for line in opened] == [DEPENDENCY] * 2


async def test_replicas_count_together_again_once_redis_is_back(
    redis: Process, replicas: tuple[Limiter, Limiter]
) -> None:
    one, other = replicas
    redis.kill()
    await hits(one, 12)
    await hits(other, 12)

    await asyncio.to_thread(redis.start)

    async def is_shared() -> bool:
        await one.clear(NAME, "ben")
        await hits(one, 10, "ben")
        return (await other.check(NAME, "ben")).exceeded

    await eventually(is_shared)
    assert not is_circuit_open()


async def test_redis_that_hangs_opens_the_circuit(
    redis: Process, replicas: tuple[Limiter, Limiter]
) -> None:
    one, _ = replicas
    await hits(one, 1)
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            assert await hits(one, circuit_breaker.FAILURE_THRESHOLD) == 0
        assert is_circuit_open()
    finally:
        os.kill(redis.pid, signal.SIGCONT)
