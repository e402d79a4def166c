"""A service that kills itself after the commit of its first event, before the acknowledgement.

Run `python -m tests.listeners.killed_service SERVICE` with a TestEnvironment as JSON on stdin.
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


async def kill_process(_: Msg) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    streams.ACK_WAIT_SECONDS = 1
    Msg.ack = kill_process  # type: ignore[assignment,method-assign]
    app = make_app(sys.argv[1], TestEnvironment(**json.load(sys.stdin)))
    uvicorn.run(app, port=0, log_config=None)
