"""Helpers of several test modules."""

from expiration.handlers import create_listeners
from expiration.timers import Timers
from ticketing_common.events import ExpirationCompleted
from ticketing_testing import Bus

LISTENERS = create_listeners(Timers("redis://nowhere"))


async def expired_orders(bus: Bus, count: int) -> list[str]:
    """Return the ids of all expired orders, once there are at least `count`."""
    return [event.order_id for event in await bus.published(ExpirationCompleted, count)]
