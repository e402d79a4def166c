"""The environment variables of a running stack, for programs that access its stores."""

import os
from pathlib import Path

from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.lifecycle import data_folder, is_up, not_running
from ticketing_dev.stack.processes.servers import OPERATOR, Nats
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.secrets import Secrets, StripeAccount

STRIPE_VARIABLES = ("STRIPE_KEY", "STRIPE_API_BASE")


def environment_of(folder: DataFolder, service: str) -> dict[str, str]:
    """Return the variables of a service.

    Raises:
        StackError: no stack is running in the folder.
    """
    return dict(_running_specs(folder)[service].env)


def operator_environment(path: Path | None = None) -> dict[str, str]:
    """Return the variables of the operator commands for the stack in a data folder.

    They are NATS_URL, `<SERVICE>_MONGO_URI` for each database, REDIS_URL, STRIPE_KEY and, unless
    the stack uses a real account, STRIPE_API_BASE. None is the data folder of the checkout.

    Raises:
        StackError: no stack is running in the folder.
    """
    specs = _running_specs(data_folder(path))
    nats = specs["nats"]
    assert isinstance(nats, Nats)
    payments = specs["payments"].env
    return {
        "NATS_URL": nats.url_of(OPERATOR),
        **{
            f"{name.upper()}_MONGO_URI": specs[name].env["MONGO_URI"]
            for name in SERVICES_WITH_DATABASE
        },
        "REDIS_URL": specs["redis"].url,
        **{name: value for name, value in payments.items() if name in STRIPE_VARIABLES},
    }


def _running_specs(folder: DataFolder) -> dict[str, ProcessSpec]:
    state = folder.state
    if state is None or not is_up(folder):
        raise not_running(folder)
    ports = {process.name: process.port for process in state.processes}
    port = int(state.url.rpartition(":")[2])
    secrets = Secrets.load_or_create(folder.secrets)
    account = StripeAccount.from_environment(os.environ, secrets)
    specs = define_stack(port, folder.path, ports.__getitem__, secrets, {}, stripe_account=account)
    return {spec.name: spec for spec in specs}
