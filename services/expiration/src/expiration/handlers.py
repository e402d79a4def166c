"""Event handlers of expiration: each order has a timer. Every handler is idempotent."""

from expiration.timers import Timers
from ticketing_common.events import OrderCancelled, OrderCreated
from ticketing_common.messaging.listeners import Listeners


def create_listeners(timers: Timers) -> Listeners:
    """Return the listeners, which set and clear these timers."""
    listeners = Listeners("expiration", inbox=False)

    @listeners.on(OrderCreated)
    async def set_timer(event: OrderCreated) -> None:
        """Set a timer for the end of the time to pay."""
        await timers.set(event.id, event.expires_at)

    @listeners.on(OrderCancelled)
    async def clear_timer(event: OrderCancelled) -> None:
        """Clear the timer: the order has ended already."""
        await timers.clear(event.id)

    return listeners
