"""The MongoDB, NATS and Redis servers of a test process.

`TICKETING_TEST_STORES=containers` takes them from Docker through testcontainers; otherwise they are
the pinned servers from PyPI, or a real mongod where `TICKETING_MONGOD` or PATH has one.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process

NATS_ACCOUNTS = 2000
"""More than the tests of one process: each test has a NATS account of its own."""
REDIS_DATABASES = 16
"""The number of databases that Redis has by default."""


@dataclass(frozen=True)
class StoreServers:
    """The addresses of the servers."""

    mongo_uri: Callable[[str], str]
    """Takes the name of a database."""
    nats_url: Callable[[int], str]
    """Takes the number of an account."""
    redis_url: str


@contextmanager
def start_store_servers(folder: Path) -> Iterator[StoreServers]:
    """Run the servers for the block, with their data below `folder`."""
    in_containers = os.environ.get("TICKETING_TEST_STORES") == "containers"
    with (_from_containers if in_containers else _from_packages)(folder) as started:
        yield started


@contextmanager
def _from_packages(folder: Path) -> Iterator[StoreServers]:
    # The data is not needed after the tests, so it is not synced, and the servers are killed.
    mongo = servers.mongo(free_port(), folder / "mongo", durable=False)
    nats = servers.nats(free_port(), folder / "nats", accounts=NATS_ACCOUNTS, durable=False)
    redis = servers.redis(free_port(), folder / "redis")
    with ExitStack() as stack:
        for spec in (mongo, nats, redis):
            process = Process(spec)
            stack.callback(process.kill)
            process.start()
        yield StoreServers(mongo.uri, nats.account_url, redis.url)


@contextmanager
def _from_containers(folder: Path) -> Iterator[StoreServers]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    from ticketing_dev.stack.processes import mongod

    def address_of(container: DockerContainer, port: int) -> str:
        return f"{container.get_container_host_ip()}:{container.get_exposed_port(port)}"

    # The file that the pinned server reads, so that accounts are declared once.
    (config,) = servers.nats(4222, folder, accounts=NATS_ACCOUNTS).files.values()
    (folder / "nats.conf").write_text(config.replace("127.0.0.1:4222", "0.0.0.0:4222"))
    mongo = (
        DockerContainer("mongo:8.0")
        .with_command(
            f"--replSet {mongod.REPLICA_SET} --bind_ip_all "
            f"--setParameter {mongod.TRANSACTION_PARAMETER}"
        )
        .with_exposed_ports(27017)
        .waiting_for(LogMessageWaitStrategy("Waiting for connections"))
    )
    nats = (
        DockerContainer("nats:2.12")
        .with_command("--config /nats.conf")
        .with_volume_mapping(str(folder / "nats.conf"), "/nats.conf", "ro")
        .with_exposed_ports(4222)
        .waiting_for(LogMessageWaitStrategy("Server is ready"))
    )
    redis = (
        DockerContainer("redis:8")
        .with_command("redis-server --appendonly yes")
        .with_exposed_ports(6379)
        .waiting_for(LogMessageWaitStrategy("Ready to accept connections"))
    )
    with mongo, nats, redis:
        initiate = "rs.initiate(); while (!db.hello().isWritablePrimary) sleep(50)"
        mongo.exec(["mongosh", "--quiet", "--eval", initiate])
        mongo_address = address_of(mongo, 27017)
        yield StoreServers(
            # The member of the replica set has the name of the container, which we cannot resolve.
            lambda database: f"mongodb://{mongo_address}/{database}?directConnection=true",
            lambda account: f"nats://t{account}:t@{address_of(nats, 4222)}",
            f"redis://{address_of(redis, 6379)}",
        )
