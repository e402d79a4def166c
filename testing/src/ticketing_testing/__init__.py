"""What every service's tests share: real stores, a served app, people signed in, the bus."""

from ticketing_testing.bus import Bus
from ticketing_testing.factories import an_event, an_id, just_now, somebody
from ticketing_testing.patience import eventually, persistently
from ticketing_testing.served import Served, serving
from ticketing_testing.streams import Stream, Told, watching
from ticketing_testing.world import World

__all__ = [
    "Bus",
    "Served",
    "Stream",
    "Told",
    "World",
    "an_event",
    "an_id",
    "eventually",
    "just_now",
    "persistently",
    "serving",
    "somebody",
    "watching",
]
