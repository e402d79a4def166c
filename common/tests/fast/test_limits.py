import pytest
from starlette.types import Scope

from ticketing_common.errors import RateLimited
from ticketing_common.limits.address import UNKNOWN, client_address
from ticketing_common.limits.counters import MemoryCounters
from ticketing_common.limits.limiter import Limiter
from ticketing_common.limits.quota import Quota
from ticketing_common.limits.requests import RequestLimits, quotas
from ticketing_common.limits.streams import OpenStreams, TooManyStreams
from ticketing_common.settings import LimitSettings

NAME = "guesses"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limiter_of(text: str, clock: Clock) -> Limiter:
    return Limiter({NAME: Quota.parse(NAME, text)}, clock=clock)


def settings_with(**values: object) -> LimitSettings:
    required = {"mongo_uri": "mongodb://x/x", "nats_url": "nats://x"}
    return LimitSettings.model_validate(required | values)


def scope_of(host: str | None) -> Scope:
    return {"type": "http", "client": None if host is None else (host, 1)}


async def test_limiter_refuses_above_the_quota_until_the_window_ends(clock: Clock) -> None:
    limiter = limiter_of("2 per minute", clock)

    first, second = [await limiter.hit(NAME, "ada") for _ in range(2)]
    clock.now += 20
    third = await limiter.hit(NAME, "ada")

    assert [usage.exceeded for usage in (first, second, third)] == [False, False, True]
    assert (first.remaining, third.remaining, third.reset_seconds) == (1, 0, 40)
    clock.now += 40
    assert not (await limiter.hit(NAME, "ada")).exceeded


async def test_limiter_counts_each_key_separately(clock: Clock) -> None:
    limiter = limiter_of("1 per minute", clock)
    await limiter.hit(NAME, "ada")

    assert not (await limiter.hit(NAME, "ben")).exceeded


async def test_limiter_check_counts_nothing(clock: Clock) -> None:
    limiter = limiter_of("1 per minute", clock)

    assert not (await limiter.check(NAME, "ada")).exceeded
    await limiter.hit(NAME, "ada")
    assert (await limiter.check(NAME, "ada")).exceeded


async def test_pauses_grow_for_attempts_that_go_on(clock: Clock) -> None:
    limiter = limiter_of("10 per hour; 2 per minute; 5 per 10 minutes", clock)
    pauses = []

    for _ in range(17):
        usage = await limiter.hit(NAME, "ada")
        if usage.exceeded:
            assert usage.reset_seconds is not None
            pauses.append(usage.reset_seconds)
            clock.now += usage.reset_seconds

    assert pauses == [60, 60, 480, 60, 60, 480, 2400]


async def test_burst_uses_up_the_shortest_window_alone(clock: Clock) -> None:
    limiter = limiter_of("2 per minute; 20 per hour", clock)
    for _ in range(100):
        await limiter.hit(NAME, "ada")

    clock.now += 60

    assert not (await limiter.hit(NAME, "ada")).exceeded


async def test_limiter_forgets_what_was_cleared(clock: Clock) -> None:
    limiter = limiter_of("1 per minute; 1 per hour", clock)
    await limiter.hit(NAME, "ada")

    await limiter.clear(NAME, "ada")

    assert not (await limiter.check(NAME, "ada")).exceeded


async def test_memory_counters_drop_the_least_recently_used(clock: Clock) -> None:
    counters = MemoryCounters(max_keys=2, clock=clock)

    for key in ("a", "b", "a", "c"):
        await counters.incr(key, 60)

    assert [await counters.get(key) for key in ("a", "b", "c")] == [2, 0, 1]


async def test_request_limits_name_the_time_to_wait(clock: Clock) -> None:
    usages: list[object] = []
    limits = RequestLimits(limiter_of("1 per 5 minutes", clock), usages)  # type: ignore[arg-type]
    await limits.hit(NAME, "ada")

    with pytest.raises(RateLimited) as refusal:
        await limits.hit(NAME, "ada")

    assert refusal.value.retry_after == 300
    assert refusal.value.message == "Too many attempts. Try again in 5 minutes."
    headers = [usage.headers() for usage in usages]  # type: ignore[attr-defined]
    policy = '"guesses";q=1;w=300'
    assert headers == [(policy, '"guesses";r=0'), (policy, '"guesses";r=0;t=300')]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (90, "90 seconds"),
        (121, "3 minutes"),
        (3600, "60 minutes"),
        (7200, "2 hours"),
    ],
)
def test_refusal_has_the_time_in_words(seconds: int, text: str) -> None:
    assert RateLimited(retry_after=seconds).message.endswith(f"Try again in {text}.")


def test_factor_widens_limits_by_address_alone() -> None:
    found = quotas(settings_with(limits_by_address_factor=100))

    assert found["writes_by_address"].windows[0].amount == 30_000
    assert found["idempotency_keys_by_account"].windows[0].amount == 60


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("junk", UNKNOWN),
        ("", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_client_address_is_an_address_or_a_network(host: str | None, address: str) -> None:
    assert client_address(scope_of(host)) == address


def test_streams_of_one_address_do_not_refuse_another() -> None:
    streams = OpenStreams(settings_with(limit_streams_by_address=1, limit_streams_by_account=1))

    with streams.of_address("a"), streams.of_account("ada"):
        with pytest.raises(TooManyStreams), streams.of_address("a"):
            pass
        with pytest.raises(TooManyStreams), streams.of_account("ada"):
            pass
        with streams.of_address("b"), streams.of_account("ben"):
            pass

    with streams.of_address("a"), streams.of_account("ada"):
        pass


@pytest.mark.parametrize("text", ["10.0.0.0/33", "*", "ingress"])
def test_settings_refuse_proxies_that_are_no_networks(text: str) -> None:
    with pytest.raises(ValueError, match="should be addresses or networks"):
        settings_with(trusted_proxies=f"10.0.0.1, {text}")


def test_settings_refuse_a_limit_that_is_none() -> None:
    with pytest.raises(ValueError, match="should be a limit such as"):
        settings_with(limit_writes_by_address="many")
