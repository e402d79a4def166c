"""NATS servers with the configuration and variables of the manifests."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError
from tests.manifests.conftest import Render
from tests.manifests.rules.objects import Objects

from ticketing_common.events import Envelope, TicketCreated, utc_now
from ticketing_common.messaging.streams import consumers, streams
from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.ports import HOST, free_port
from ticketing_dev.stack.processes.servers import BIN, PROVISIONER
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import Process
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_dev.tools.manifests import Object
from ticketing_ops.errors import CommandError
from ticketing_ops.streams.provisioner import provision_bus
from ticketing_testing import eventually, new_event, new_id

REQUEST_SECONDS = 2
"""A request gets no response if its server is killed or elects a leader, so it is repeated soon."""
SERVERS = ("nats-0", "nats-1", "nats-2")


def server_variables(objects: Objects, name: str) -> dict[str, str]:
    """Return the variables of a server, with the passwords of the sandbox."""
    variables = {"NATS_CLUSTER_PASSWORD": "sandbox-cluster"}
    for key, value in objects.get("Secret", "nats-users")["data"].items():
        variables[key] = base64.b64decode(value).decode()
    [container] = objects.get("StatefulSet", "nats")["spec"]["template"]["spec"]["containers"]
    for variable in container["env"]:
        value = variable.get("value", name)  # a variable without a value is the pod's name
        for known, text in {**variables}.items():
            value = value.replace(f"$({known})", text)
        variables[variable["name"]] = value
    return variables


def servers(objects: list[Object], sandbox: list[Object], folder: Path) -> list[ProcessSpec]:
    """Return the pods of the StatefulSet as processes with other ports and folders."""
    secret = [one for one in sandbox if one["metadata"]["name"] == "nats-users"]
    rendered = Objects([*(one for one in objects if one["kind"] != "Secret"), *secret], {})
    [files] = [one["data"] for one in rendered.of("ConfigMap") if "users.conf" in one["data"]]
    count = rendered.get("StatefulSet", "nats")["spec"].get("replicas", 1)
    names = SERVERS[:count]
    routes = {name: free_port() for name in names}
    found = []
    for name in names:
        port, monitor = free_port(), free_port()
        env = server_variables(rendered, name)
        for variable in [one for one in env if one.startswith("ROUTE_")]:
            for other, route in routes.items():
                env[variable] = env[variable].replace(f"{other}.nats-peers:6222", f"{HOST}:{route}")
        replacements = {
            "0.0.0.0:4222": f"{HOST}:{port}",
            "0.0.0.0:8222": f"{HOST}:{monitor}",
            "0.0.0.0:6222": f"{HOST}:{routes[name]}",
            "/data": "data",
            "/tmp/nats.pid": "nats.pid",
        }
        server_files = dict(files)
        for file in server_files:
            for original, replacement in replacements.items():
                server_files[file] = server_files[file].replace(original, replacement)
        found.append(
            ProcessSpec(
                name=name,
                command=(str(BIN / "nats-server"), "--config", "nats.conf"),
                files=server_files,
                env=env,
                port=port,
                data=folder / name,
                scheme="nats",
                is_ready=partial(probes.returns_200, monitor, "/healthz"),
            )
        )
    return found


@pytest.fixture
def start_servers(overlay: Render, tmp_path: Path) -> Iterator[Callable[[str], list[Process]]]:
    """A function that starts the servers of an overlay. None is ready before all have started."""
    with ExitStack() as stack:

        def start(name: str) -> list[Process]:
            processes = [
                Process(spec) for spec in servers(overlay(name), overlay("k8s-dev"), tmp_path)
            ]
            for process in processes:
                process.launch()
                stack.callback(process.stop)
            for process in processes:
                process.wait_until_ready()
            return processes

        yield start


def url(server: Process, user: str) -> str:
    return f"nats://{user}:sandbox-{user}@{server.spec.address}"


@pytest.mark.usefixtures("ignore_broken_connections")
async def test_sandbox_server_accepts_the_services_only(
    start_servers: Callable[[str], list[Process]],
) -> None:
    [server] = await asyncio.to_thread(start_servers, "k8s-dev")
    await provision_bus(url(server, PROVISIONER))
    for listeners in service_listeners():
        client = await nats.connect(
            url(server, listeners.service), inbox_prefix=f"_INBOX.{listeners.service}"
        )
        for stream in consumers(listeners):
            await client.jetstream().consumer_info(stream, listeners.service)
        await client.close()
    unknown = Client()
    with pytest.raises(Exception, match="Authorization"):
        # Without `verbose` the response to its PING can be a reset instead of the refusal.
        await unknown.connect(f"nats://{server.spec.address}", allow_reconnect=False, verbose=True)
    await unknown.close()


@pytest.mark.usefixtures("ignore_broken_connections")
async def test_three_servers_lose_no_event_when_one_is_killed(
    start_servers: Callable[[str], list[Process]],
) -> None:
    first, *others = await asyncio.to_thread(start_servers, "k8s-prod")

    async def is_provisioned() -> bool:  # streams without a leader yet do not answer
        try:
            return await provision_bus(url(first, PROVISIONER), replicas=3) == []
        except (nats.errors.Error, CommandError):
            return False

    assert await eventually(is_provisioned)

    operator = await nats.connect([url(one, "operator") for one in (first, *others)])
    js = operator.jetstream(timeout=REQUEST_SECONDS)

    async def all_have_three_replicas() -> bool:
        try:
            infos = await js.streams_info()  # without streams that have no leader yet
        except nats.errors.Error:
            return False
        replicas = {str(info.config.name): info.config.num_replicas for info in infos}
        return replicas == {str(stream.name): 3 for stream in streams()}

    assert await eventually(all_have_three_replicas)

    first_event = Envelope.encode(new_event(TicketCreated), id=new_id(), time=utc_now(), trace={})
    await js.publish(first_event.subject, first_event.body, headers=dict(first_event.headers))
    await asyncio.to_thread(first.kill)

    async def is_kept() -> bool:
        try:
            return (await js.get_last_msg("TICKET", first_event.subject)).data == first_event.body
        except (nats.errors.Error, NotFoundError):
            return False

    assert await eventually(is_kept)
    second_event = Envelope.encode(new_event(TicketCreated), id=new_id(), time=utc_now(), trace={})

    async def is_accepted() -> bool:
        try:
            await js.publish(
                second_event.subject, second_event.body, headers=dict(second_event.headers)
            )
        except nats.errors.Error:
            return False
        return True

    assert await eventually(is_accepted)
    await operator.close()
