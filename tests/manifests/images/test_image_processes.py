"""Every image, built by docker and started with a cluster's restrictions.

The containers share the network of this process, which has the stores.
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

TIMEOUT_SECONDS = 60
RESTRICTIONS = ["--read-only", "--tmpfs", "/tmp:exec,mode=1777", "--user", "10001:10001"]
RESTRICTIONS += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "host"]


def docker(*arguments: str, check: bool = True) -> str:
    result = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env=os.environ | {"DOCKER_BUILDKIT": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0 or not check, f"docker {' '.join(arguments)}\n{result.stdout}"
    return result.stdout.strip() if result.returncode == 0 else ""


pytestmark = [
    pytest.mark.xdist_group("docker"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def stack_specs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, ProcessSpec]]:
    """The processes of a stack whose stores run. Containers replace the others."""
    if shutil.which("docker") is None or not docker("info", check=False):
        pytest.skip("docker is missing")
    ports: dict[str, int] = {}
    specs = define_stack(
        free_port(),
        tmp_path_factory.mktemp("stack"),
        lambda name: ports.setdefault(name, free_port()),
        Secrets(),
        {},
        client_command=lambda _: (),
    )
    with ExitStack() as stack:
        for spec in specs:
            if spec.name in ("nats", "mongo", "redis", "limits-redis"):
                stack.enter_context(running(spec))
        yield {spec.name: spec for spec in specs}


def build(name: str, target: str | None = None) -> str:
    """Build an image. Returns its id."""
    file = DOCKERFILES[name]
    context = file.parent if name == "client" else ROOT
    flags = ["--target", target] if target else []
    flags += ["--build-arg", f"SERVICE={name}"] if file.parent.name == "services" else []
    return docker(
        "build", "--quiet", "--network", "host", "--file", str(file), *flags, str(context)
    )


def copy_into(container: str, path: str, source: Path) -> None:
    """Copy a file into a container as skaffold does."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        file = tarfile.TarInfo(path)
        file.size, file.mtime = source.stat().st_size, int(time.time())
        with source.open("rb") as content:
            tar.addfile(file, content)
    extract = ["tar", "xmf", "-", "-C", "/", "--no-same-owner"]
    subprocess.run(
        ["docker", "exec", "-i", container, *extract], input=archive.getvalue(), check=True
    )


@pytest.mark.parametrize("target", [None, "live"])
@pytest.mark.parametrize("name", SERVING)
def test_image_serves_with_restrictions_and_stops_on_sigterm(
    stack_specs: Mapping[str, ProcessSpec], name: str, target: str | None
) -> None:
    if (name, target) == ("stand-ins", "live"):
        pytest.skip("the stand-ins have no live image")
    built = build(name, target)
    spec = stack_specs["stripe" if name == "stand-ins" else name]
    env = {**spec.env, "UVICORN_PORT": str(spec.port), "UVICORN_HOST": "127.0.0.1"}
    env.pop("STAND_IN_DATA", None)
    options = [option for name, value in env.items() for option in ("--env", f"{name}={value}")]
    start = time.monotonic()
    container = docker("run", "--detach", *RESTRICTIONS, *options, built)
    try:
        path = "/healthz" if name in ("client", "stand-ins") else "/readyz"
        while not probes.returns_200(spec.port, path):
            assert time.monotonic() < start + TIMEOUT_SECONDS, docker("logs", container)
            time.sleep(0.02)
        started = time.monotonic() - start
        pid = docker("inspect", "--format", "{{.State.Pid}}", container)
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
        mebibytes = int(rollup[rollup.index("Pss:") + 1]) // 1024
        if target == "live" and name != "client":
            copy_into(
                container, f"tmp/live/{name}/app.py", ROOT / f"services/{name}/src/{name}/app.py"
            )
            while "Reloading" not in docker("logs", container):
                assert time.monotonic() < start + TIMEOUT_SECONDS, docker("logs", container)
                time.sleep(0.05)
        start = time.monotonic()
        docker("stop", "--time", "30", container)
        stopped = time.monotonic() - start
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
