"""What expiration does when it hears an event."""

from expiration.timers import Timers
from ticketing_common.events import OrderCancelled, OrderCreated
from ticketing_common.messaging.listeners import Listeners


def listening(timers: Timers) -> Listeners:
    """The subscription list, with the timers that it sets. Each is harmless when repeated."""
    listeners = Listeners("expiration", inbox=False)

    @listeners.on(OrderCreated)
    async def start_timer(event: OrderCreated) -> None:
        """Tell when the time to pay for the order is over."""
        await timers.set(event.id, event.expires_at)

    @listeners.on(OrderCancelled)
    async def stop_timer(event: OrderCancelled) -> None:
        """Spare us the telling."""
        await timers.clear(event.id)

    return listeners
