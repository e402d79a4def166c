"""A service that is killed between the commit of its first event and the broker's hearing of it.

`python -m tests.listeners.killed_service SERVICE`, with a world as JSON on stdin.
"""

import json
import os
import signal
import sys

import uvicorn
from nats.aio.msg import Msg
from tests.listeners.services import make_app

from ticketing_common.messaging import streams
from ticketing_testing import TestEnvironment


async def die(_: Msg) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    streams.ACK_SECONDS = 1
    Msg.ack = die  # type: ignore[assignment,method-assign]
    app = make_app(sys.argv[1], TestEnvironment(**json.load(sys.stdin)))
    uvicorn.run(app, port=0, log_config=None)
