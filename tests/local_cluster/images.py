"""What images would bring to their pods, brought by this machine and the tree."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.local_cluster.manifests import Pod
from tests.manifests.images.dockerfile import read
from tests.manifests.project import DOCKERFILES

from ticketing_dev.checkout import ROOT
from ticketing_dev.stack import client_build
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.servers import BIN
from ticketing_dev.tools import node

BASE = {"HOME": "/", "PATH": "/programs:/usr/local/bin:/usr/bin:/bin"}
STAND_INS_SET = "secantus"


@dataclass(frozen=True)
class Brought:
    """What an image brings: programs and files, a folder to start in, a command, variables."""

    binds: list[tuple[Path, str]]
    folder: str
    command: list[str]
    env: Mapping[str, str]


def brought_by(pod: Pod, data: Path) -> Brought:
    """What the pod's image brings; what has to be put together lies below `data`."""
    kind, _, name = pod.image.partition("/")
    if kind != "ticketing":
        return _stand_in_for_mongo(pod) if is_mongo(pod) else _store(pod, data)
    image = read(DOCKERFILES[name], SERVICE=name)
    if name == "client":
        program = (node.folder() / "node").resolve()
        binds = [(client_build.build(print), "/app"), (program, "/programs/node")]
    else:
        binds = [(_code(image.copied, data / "app"), "/app"), *_python()]
    path = image.env.get("PATH", "") + BASE["PATH"]
    command = [*(pod.command or image.command), *pod.arguments]
    return Brought(binds, image.folder, command, {**BASE, **image.env, "PATH": path})


def is_mongo(pod: Pod) -> bool:
    return pod.image.startswith("mongo:")


def folder_at(path: Path) -> Path:
    """The folder, made if it is not there."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def _store(pod: Pod, data: Path) -> Brought:
    """NATS or Redis, with the manifest's own command."""
    programs = folder_at(data / "programs")
    for program in (str(BIN / "nats-server"), servers.redis(0, data).command[0]):
        shutil.copy(program, programs)
    return Brought([(programs, "/programs")], "/", [*pod.command, *pod.arguments], BASE)


def _stand_in_for_mongo(pod: Pod) -> Brought:
    """It has no options of mongod's, and tells its clients the name that it listens at."""
    command = ["/venv/bin/python", "-m", "ticketing_dev.standins.mongodb"]
    command += ["--host", f"{pod.labels['mongo']}-mongo-srv", "--port", "27017"]
    command += ["--storage-path", "/data/db/stand-in", "--cache-size", "64M"]
    tools = ROOT / "dev/src"
    return Brought([*_python(), (tools, str(tools))], "/tmp", command, BASE)


def _python() -> list[tuple[Path, str]]:
    """This environment at /venv, and the Python that it is made of, which knows its place."""
    own = [] if sys.base_prefix.startswith("/usr") else [(Path(sys.base_prefix), sys.base_prefix)]
    return [(Path(sys.prefix), "/venv"), *own]


def _code(copied: list[str], app: Path) -> Path:
    """What an image has at /app: all that is below a `src` here."""
    for path in (ROOT / one for one in copied if "/src" in one):
        source = next(up for up in (path, *path.parents) if up.name == "src")
        if path.is_dir():
            shutil.copytree(path, app / path.relative_to(source), dirs_exist_ok=True)
        else:
            shutil.copy(path, folder_at((app / path.relative_to(source)).parent))
    return app
