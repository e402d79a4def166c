"""What a running stack gives a service, for whoever does something in that service's place."""

import os

from ticketing_dev.stack.control import Refused, is_up
from ticketing_dev.stack.definition import market
from ticketing_dev.stack.folder import Folder
from ticketing_dev.stack.keys import Keys, StripeAccount


def environment_of(folder: Folder, service: str) -> dict[str, str]:
    """The service's variables. Raises Refused where no stack runs."""
    state = folder.state
    if state is None or not is_up(folder):
        raise Refused(f"No stack runs on {folder.path}. `ticketing up` starts one.")
    ports = {part.name: part.port for part in state.parts}
    port = int(state.url.rpartition(":")[2])
    keys = Keys.kept_in(folder.keys)
    account = StripeAccount.named_in(os.environ, keys)
    parts = market(port, folder.path, ports.__getitem__, keys, {}, account=account)
    (found,) = (part for part in parts if part.name == service)
    return dict(found.env)
