"""NATS with the configuration and the environment that the manifests give it."""

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
from tests.manifests.references import Objects

from ticketing_common.events import Envelope, TicketCreated, utc_now
from ticketing_common.messaging.streams import provision, streams
from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.ports import HOST, free_port
from ticketing_dev.stack.processes.servers import BIN
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import Process
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_dev.tools.manifests import Object
from ticketing_testing import eventually, new_event, new_id
from ticketing_testing.timeouts import TIMEOUT_SECONDS

SERVERS = ("nats-0", "nats-1", "nats-2")


def environment(objects: Objects, name: str) -> dict[str, str]:
    """What the server of this name is told, with the sandbox's passwords."""
    told = {"NATS_CLUSTER_PASSWORD": "sandbox-cluster"}
    for key, value in objects.get("Secret", "nats-users")["data"].items():
        told[key] = base64.b64decode(value).decode()
    [container] = objects.get("StatefulSet", "nats")["spec"]["template"]["spec"]["containers"]
    for variable in container["env"]:
        value = variable.get("value", name)  # the one that is a field's is the pod's name
        for known, word in {**told}.items():
            value = value.replace(f"$({known})", word)
        told[variable["name"]] = value
    return told


def servers(objects: list[Object], sandbox: list[Object], folder: Path) -> list[ProcessSpec]:
    """The StatefulSet's pods as parts. Only where they listen and store differs from a cluster."""
    secret = [one for one in sandbox if one["metadata"]["name"] == "nats-users"]
    known = Objects([*(one for one in objects if one["kind"] != "Secret"), *secret], {})
    [files] = [one["data"] for one in known.of("ConfigMap") if "users.conf" in one["data"]]
    count = known.get("StatefulSet", "nats")["spec"].get("replicas", 1)
    names = SERVERS[:count]
    routes = {name: free_port() for name in names}
    found = []
    for name in names:
        port, monitor = free_port(), free_port()
        env = environment(known, name)
        for variable in [one for one in env if one.startswith("ROUTE_")]:
            for other, at in routes.items():
                env[variable] = env[variable].replace(f"{other}.nats-peers:6222", f"{HOST}:{at}")
        here = {
            "0.0.0.0:4222": f"{HOST}:{port}",
            "0.0.0.0:8222": f"{HOST}:{monitor}",
            "0.0.0.0:6222": f"{HOST}:{routes[name]}",
            "/data": "data",
            "/tmp/nats.pid": "nats.pid",
        }
        mine = dict(files)
        for file in mine:
            for there, instead in here.items():
                mine[file] = mine[file].replace(there, instead)
        found.append(
            ProcessSpec(
                name=name,
                command=(str(BIN / "nats-server"), "--config", "nats.conf"),
                files=mine,
                env=env,
                port=port,
                data=folder / name,
                scheme="nats",
                is_ready=partial(probes.returns_200, monitor, "/healthz"),
            )
        )
    return found


@pytest.fixture
def started(overlay: Render, tmp_path: Path) -> Iterator[Callable[[str], list[Process]]]:
    """Starts the servers of an overlay, which must all be there to be ready."""
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
async def test_the_one_server_of_a_sandbox_knows_the_services(
    started: Callable[[str], list[Process]],
) -> None:
    [server] = await asyncio.to_thread(started, "k8s-dev")
    for listeners in service_listeners():
        client = await nats.connect(
            url(server, listeners.service), inbox_prefix=f"_INBOX.{listeners.service}"
        )
        await provision(client.jetstream(), listeners)
        await client.close()
    stranger = Client()
    with pytest.raises(Exception, match="Authorization"):
        # Else its PING could be answered by a reset, and the refusal be lost.
        await stranger.connect(f"nats://{server.spec.address}", allow_reconnect=False, verbose=True)
    await stranger.close()


@pytest.mark.usefixtures("ignore_broken_connections")
async def test_of_three_servers_one_may_go_and_no_event_with_it(
    started: Callable[[str], list[Process]],
) -> None:
    first, *others = await asyncio.to_thread(started, "k8s-prod")
    for listeners in service_listeners():
        client = await nats.connect(
            url(first, listeners.service),
            inbox_prefix=f"_INBOX.{listeners.service}",
            connect_timeout=TIMEOUT_SECONDS,
        )
        await provision(client.jetstream(timeout=TIMEOUT_SECONDS), listeners, replicas=3)
        await client.close()

    operator = await nats.connect([url(one, "operator") for one in (first, *others)])
    js = operator.jetstream(timeout=TIMEOUT_SECONDS)

    async def all_have_three() -> bool:  # one without a leader is left out of the list
        infos = await js.streams_info()
        copies = {str(info.config.name): info.config.num_replicas for info in infos}
        return copies == {str(stream.name): 3 for stream in streams()}

    assert await eventually(all_have_three)

    said = Envelope.encode(new_event(TicketCreated), id=new_id(), time=utc_now(), trace={})
    await js.publish(said.subject, said.body, headers=dict(said.headers))
    await asyncio.to_thread(first.kill)

    async def still_there() -> bool:
        try:
            # A request during the election of a leader gets no response, so it is repeated.
            js = operator.jetstream(timeout=2)
            return (await js.get_last_msg("TICKET", said.subject)).data == said.body
        except (nats.errors.Error, NotFoundError):
            return False

    assert await eventually(still_there)
    more = Envelope.encode(new_event(TicketCreated), id=new_id(), time=utc_now(), trace={})

    async def is_taken() -> bool:
        try:
            await js.publish(more.subject, more.body, headers=dict(more.headers), timeout=2)
        except nats.errors.Error:
            return False
        return True

    assert await eventually(is_taken)
    await operator.close()
