"""The content of the images, taken from this machine and the checkout."""

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


@dataclass(frozen=True)
class ImageContent:
    """The files, working folder, command and variables of an image."""

    binds: list[tuple[Path, str]]
    folder: str
    command: list[str]
    env: Mapping[str, str]


def image_content(pod: Pod, data: Path) -> ImageContent:
    """Return the content of the pod's image. Assembled files are below `data`."""
    kind, _, name = pod.image.partition("/")
    if kind != "ticketing":
        return _mongo_stand_in(pod) if is_mongo(pod) else _store(pod, data)
    image = read(DOCKERFILES[name], SERVICE=name)
    if name == "client":
        program = (node.folder() / "node").resolve()
        binds = [(client_build.build(print), "/app"), (program, "/programs/node")]
    else:
        binds = [(_code(image.copied, data / "app"), "/app"), *_python()]
    path = image.env.get("PATH", "") + BASE["PATH"]
    command = [*(pod.command or image.command), *pod.arguments]
    return ImageContent(binds, image.folder, command, {**BASE, **image.env, "PATH": path})


def is_mongo(pod: Pod) -> bool:
    return pod.image.startswith("mongo:")


def create_folder(path: Path) -> Path:
    """Create the folder if it does not exist."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def _store(pod: Pod, data: Path) -> ImageContent:
    """Return the content for NATS or Redis, with the command of the manifest."""
    programs = create_folder(data / "programs")
    for program in (str(BIN / "nats-server"), servers.redis(0, data).command[0]):
        shutil.copy(program, programs)
    return ImageContent([(programs, "/programs")], "/", [*pod.command, *pod.arguments], BASE)


def _mongo_stand_in(pod: Pod) -> ImageContent:
    """Return the content for the stand-in, which lacks mongod's options.

    It announces to its clients the host name at which it listens.
    """
    command = [f"/venv/bin/{servers.EMBEDDED_MONGOD.name}"]
    command += ["--host", f"{pod.labels['mongo']}-mongo-srv", "--port", "27017"]
    command += ["--storage-path", "/data/db/secantus", *servers.EMBEDDED_LIMITS]
    return ImageContent(_python(), "/tmp", command, BASE)


def _python() -> list[tuple[Path, str]]:
    """Return this virtual environment at /venv, and the Python installation behind it."""
    installation = (
        [] if sys.base_prefix.startswith("/usr") else [(Path(sys.base_prefix), sys.base_prefix)]
    )
    return [(Path(sys.prefix), "/venv"), *installation]


def _code(copied: list[str], app: Path) -> Path:
    """Copy the content of the `src` folders to `app`, as the image has it at /app."""
    for path in (ROOT / one for one in copied if "/src" in one):
        source = next(up for up in (path, *path.parents) if up.name == "src")
        if path.is_dir():
            shutil.copytree(path, app / path.relative_to(source), dirs_exist_ok=True)
        else:
            shutil.copy(path, create_folder((app / path.relative_to(source)).parent))
    return app
