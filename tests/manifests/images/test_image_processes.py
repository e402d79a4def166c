"""Every image is built by docker and started as a cluster would start it: `make test-manifests`.

The containers share this process' network, where the stores are.
"""

import io
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.manifests.project import DOCKERFILES, SERVING

from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.secrets import Secrets
from ticketing_dev.stack.supervision.process import running

PATIENCE_SECONDS = 60
HARD = ["--read-only", "--tmpfs", "/tmp:exec,mode=1777", "--user", "10001:10001"]
HARD += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "host"]


def docker(*words: str, check: bool = True) -> str:
    done = subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        env=os.environ | {"DOCKER_BUILDKIT": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not check, f"docker {' '.join(words)}\n{done.stdout}"
    return done.stdout.strip() if done.returncode == 0 else ""


pytestmark = [
    pytest.mark.xdist_group("docker"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, ProcessSpec]]:
    """The parts of a market whose stores run; who has docker can run the others."""
    if shutil.which("docker") is None or not docker("info", check=False):
        pytest.skip("there is no docker here")
    ports: dict[str, int] = {}
    specs = define_stack(
        free_port(),
        tmp_path_factory.mktemp("market"),
        lambda name: ports.setdefault(name, free_port()),
        Secrets(),
        {},
        client_command=lambda _: (),
    )
    with ExitStack() as stack:
        for spec in specs:
            if spec.name in ("nats", "mongo", "redis"):
                stack.enter_context(running(spec))
        yield {spec.name: spec for spec in specs}


def build(name: str, target: str | None = None) -> str:
    """Build an image; gives its id."""
    file = DOCKERFILES[name]
    context = file.parent if name == "client" else ROOT
    flags = ["--target", target] if target else []
    flags += ["--build-arg", f"SERVICE={name}"] if file.parent.name == "services" else []
    return docker(
        "build", "--quiet", "--network", "host", "--file", str(file), *flags, str(context)
    )


def bring(container: str, path: str, source: Path) -> None:
    """Put a file into a container as skaffold does."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        file = tarfile.TarInfo(path)
        file.size, file.mtime = source.stat().st_size, int(time.time())
        with source.open("rb") as content:
            tar.addfile(file, content)
    unpack = ["tar", "xmf", "-", "-C", "/", "--no-same-owner"]
    subprocess.run(
        ["docker", "exec", "-i", container, *unpack], input=packed.getvalue(), check=True
    )


@pytest.mark.parametrize("target", [None, "live"])
@pytest.mark.parametrize("name", SERVING)
def test_an_image_serves_on_a_root_that_is_read_only_without_rights_and_stops_when_told(
    told: Mapping[str, ProcessSpec], name: str, target: str | None
) -> None:
    if (name, target) == ("stand-ins", "live"):
        pytest.skip("whoever works on the stand-ins runs `ticketing up --dev`")
    built = build(name, target)
    spec = told["stripe" if name == "stand-ins" else name]
    env = {**spec.env, "UVICORN_PORT": str(spec.port), "UVICORN_HOST": "127.0.0.1"}
    env.pop("STAND_IN_DATA", None)
    given = [word for name, value in env.items() for word in ("--env", f"{name}={value}")]
    began = time.monotonic()
    container = docker("run", "--detach", *HARD, *given, built)
    try:
        path = "/healthz" if name in ("client", "stand-ins") else "/readyz"
        while not probes.returns_200(spec.port, path):
            assert time.monotonic() < began + PATIENCE_SECONDS, docker("logs", container)
            time.sleep(0.02)
        started = time.monotonic() - began
        pid = docker("inspect", "--format", "{{.State.Pid}}", container)
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
        mebibytes = int(rollup[rollup.index("Pss:") + 1]) // 1024
        if target == "live" and name != "client":
            bring(container, f"tmp/live/{name}/app.py", ROOT / f"services/{name}/src/{name}/app.py")
            while "Reloading" not in docker("logs", container):
                assert time.monotonic() < began + PATIENCE_SECONDS, docker("logs", container)
                time.sleep(0.05)
        began = time.monotonic()
        docker("stop", "--time", "30", container)
        stopped = time.monotonic() - began
        status = docker("inspect", "--format", "{{.State.ExitCode}}", container)
        size = int(docker("inspect", "--format", "{{.Size}}", built)) // 10**6
        print(
            f"{name} {target or ''}: {size} MB, up in {started:.1f} s, {mebibytes} MiB, "
            f"down in {stopped:.1f} s with {status}"
        )
        assert stopped < 15, docker("logs", container)
        assert status in ("0", "143")
    finally:
        docker("rm", "--force", container)
