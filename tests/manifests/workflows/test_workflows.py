"""The GitHub workflows: one per tested and deployed unit, and required checks that end."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.manifests.images.dockerfile import read
from tests.manifests.linters import lint
from tests.manifests.project import DOCKERFILES, PRODUCTION, WORKFLOWS
from tests.manifests.workflows.imports import PACKAGES, reached

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT

TESTED = [
    *SERVICE_NAMES,
    *("client", "browsers", "common", "ops", "manifests", "system", "checks"),
]

DEPENDENCIES = re.compile(r" *depends-on: .*?(?= *folders:)", re.DOTALL)

each_service = pytest.mark.parametrize("service", SERVICE_NAMES)


def workflow(name: str) -> dict[str, Any]:
    # YAML 1.1 takes the key `on` for a yes.
    loaded: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())
    return {"on" if key is True else key: value for key, value in loaded.items()}


def inputs(tested: str) -> dict[str, str]:
    given: dict[str, str] = workflow(f"tests-{tested}")["jobs"][tested]["with"]
    return given


def step(name: str, job: str, step_name: str) -> str:
    """Return the script of a step."""
    steps = workflow(name)["jobs"][job]["steps"]
    (script,) = (one["run"] for one in steps if one.get("name") == step_name)
    assert workflow(name)["defaults"]["run"]["shell"] == "bash"
    assert isinstance(script, str)
    return script


def run(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does with `shell: bash`."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)} | env
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_workflows_exist_for_every_tested_and_deployed_unit() -> None:
    expected = {f"tests-{name}" for name in TESTED} | {f"deploy-{name}" for name in PRODUCTION}
    assert {path.stem for path in WORKFLOWS.iterdir()} == {
        "test",
        "deploy",
        "pin-mongod",
    } | expected


@each_service
@pytest.mark.parametrize("kind", ["tests", "deploy"])
def test_service_workflows_differ_only_in_the_service(kind: str, service: str) -> None:
    one, other = (
        DEPENDENCIES.sub("", (WORKFLOWS / f"{kind}-{name}.yml").read_text())
        for name in (service, SERVICE_NAMES[0])
    )
    assert one == other.replace(SERVICE_NAMES[0], service)


def test_actionlint_finds_nothing() -> None:
    assert lint("actionlint", folder=ROOT) == ""


def test_zizmor_finds_nothing() -> None:
    assert lint("zizmor", "--offline", "--quiet", ".github", folder=ROOT) == ""


def test_yamllint_finds_nothing() -> None:
    checked = [".github", ".yamllint.yaml", "skaffold.yaml"]
    assert lint("yamllint", "--strict", *checked, folder=ROOT) == ""


FAULTY = """\
name: faulty
on: {pull_request: , push: }
on: [push]
jobs:
  all:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
      - run: echo ${{ github.event.pull_request.title }} ${{ nothing.known }}
"""


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (["actionlint", "-no-color", "faulty.yml"], ["nothing", "untrusted"]),
        (["zizmor", "--offline", "faulty.yml"], ["unpinned-uses", "template-injection"]),
        (["yamllint", "--strict", "faulty.yml"], ["duplication of key"]),
    ],
)
def test_linter_finds_a_fault(tmp_path: Path, command: list[str], found: list[str]) -> None:
    faulty = FAULTY if command[0] == "yamllint" else FAULTY.replace("on: [push]\n", "")
    (tmp_path / "faulty.yml").write_text(faulty)
    output = lint(command[0], *command[1:], folder=tmp_path)
    assert [text for text in found if text not in output] == []


# The condition of each run, and the required check.


@pytest.fixture
def merge(tmp_path: Path) -> Path:
    """A merge of a pull request that changes payments with a main that has changed tickets."""

    def git(*arguments: str) -> None:
        config = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0"]
        subprocess.run(["git", *config, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def commit(*files: str) -> None:
        for name in files:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{path.read_text() if path.exists() else ''}more\n")
        git("add", ".")
        git("commit", "-m", "more")

    git("init", "-b", "main")
    commit("services/payments/a.py", "services/tickets/a.py", "services/tickets/pyproject.toml")
    git("checkout", "-b", "change")
    commit("services/payments/a.py")
    git("checkout", "main")
    commit("services/tickets/a.py")
    git("merge", "--no-ff", "change")
    return tmp_path


@pytest.mark.parametrize(
    ("event", "depends_on", "needed"),
    [
        ("pull_request", "services/payments", "true"),
        ("pull_request", "services/tickets services/payments/a.py", "true"),
        ("pull_request", ".", "true"),
        ("pull_request", "services/tickets common/src", "false"),
        ("pull_request", "services/pay", "false"),
        ("merge_group", "services/tickets", "true"),
        ("push", "services/tickets", "true"),
    ],
)
def test_workflow_runs_for_changed_dependencies_and_always_outside_pull_requests(
    merge: Path, event: str, depends_on: str, needed: str
) -> None:
    script = step("test", "changed", "Compare the dependencies with the base branch")
    output = {"GITHUB_OUTPUT": str(merge / "output"), "EVENT": event, "NAME": "x"}
    done = run(script, merge, **output, DEPENDS_ON=depends_on)
    assert done.returncode == 0, done.stderr
    assert (merge / "output").read_text() == f"needed={needed}\n"


@pytest.mark.parametrize(
    ("changed", "tests", "passed"),
    [
        ("success", "success", True),
        ("success", "skipped", True),
        ("success", "failure", False),
        ("success", "cancelled", False),
        ("failure", "skipped", False),
        ("cancelled", "skipped", False),
    ],
)
def test_required_check_passes_unless_a_job_failed_or_was_cancelled(
    tmp_path: Path, changed: str, tests: str, passed: bool
) -> None:
    script = step("test", "passed", "Check the result")
    assert (run(script, tmp_path, CHANGED=changed, TESTS=tests).returncode == 0) is passed


def test_required_check_always_runs() -> None:
    assert workflow("test")["jobs"]["passed"]["if"] == "always()"
    for name in TESTED:
        assert set(workflow(f"tests-{name}")["on"].values()) == {None}


# Dependencies, checked against the imports.


def covered(path: Path, by: list[str]) -> bool:
    return any(path.is_relative_to(one) for one in by)


FOLDERS = {name: given["folders"] for name in TESTED if "folders" in (given := inputs(name))}
FOLDERS["manifests"] = "tests/manifests tests/local_cluster"


@pytest.mark.parametrize("tested", FOLDERS)
def test_workflow_depends_on_every_imported_module(tested: str) -> None:
    depends_on = inputs(tested)["depends-on"].split()
    modules = {path for folder in FOLDERS[tested].split() for path in reached(folder)}
    assert len(modules) > 50
    not_empty = [path for path in modules if (ROOT / path).stat().st_size]
    assert sorted(path for path in not_empty if not covered(path, depends_on)) == []


@pytest.mark.parametrize("tested", [*SERVICE_NAMES, "common", "ops"])
def test_workflow_depends_on_imported_modules_only(tested: str) -> None:
    modules = reached(FOLDERS[tested])
    for one in inputs(tested)["depends-on"].split():
        assert any(covered(path, [one]) for path in modules), one


@pytest.mark.parametrize("tested", [*SERVICE_NAMES, "common", "ops"])
@pytest.mark.parametrize("stand_in", ["stripe", "sendgrid"])
def test_workflow_runs_for_a_changed_stand_in_only_if_its_tests_use_it(
    tested: str, stand_in: str
) -> None:
    folder = Path("dev/src/ticketing_dev/standins") / stand_in
    uses_it = any(path.is_relative_to(folder) for path in reached(FOLDERS[tested]))
    assert covered(folder, inputs(tested)["depends-on"].split()) is uses_it


@pytest.mark.parametrize("tested", ["client", "browsers", "manifests", "system"])
def test_workflow_of_the_whole_system_depends_on_all_of_it(tested: str) -> None:
    depends_on = inputs(tested)["depends-on"].split()
    for part in ("services", "common/src", "dev/src", "infra/k8s", "client"):
        assert covered(Path(part), depends_on), part


def test_workflow_dependencies_exist() -> None:
    named = [one for name in TESTED for one in inputs(name)["depends-on"].split()]
    assert [one for one in named if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("name", PRODUCTION)
def test_deployment_runs_for_every_source_of_its_image(name: str) -> None:
    paths = workflow(f"deploy-{name}")["on"]["push"]["paths"]
    folders = [path.removesuffix("/**") for path in paths]
    given = workflow(f"deploy-{name}")["jobs"]["deploy"]["with"]
    context = ROOT / given.get("context", ".")
    dockerfile = ROOT / given.get("dockerfile", "services/Dockerfile")
    assert dockerfile == DOCKERFILES[name]
    made_of = [context / one for one in read(dockerfile, SERVICE=name).copied]
    for path in [*made_of, dockerfile, context / ".dockerignore"]:
        assert covered(path.relative_to(ROOT), folders), path
    assert [one for one in folders if not (ROOT / one).exists()] == []


# Dependabot.


def test_dependabot_covers_every_pinned_dependency() -> None:
    document = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())
    covered_folders = {
        (update["package-ecosystem"], folder)
        for update in document["updates"]
        for pattern in update.get("directories", [update.get("directory")])
        for folder in (ROOT.glob(pattern.strip("/")) if pattern != "/" else [ROOT])
        if folder.is_dir()
    }
    services = {ROOT / "services" / name for name in SERVICE_NAMES}
    assert covered_folders == {
        *(("pip", folder) for folder in {*(ROOT / name for name in PACKAGES), *services}),
        *(("docker", dockerfile.parent) for dockerfile in DOCKERFILES.values()),
        ("npm", ROOT / "client"),
        ("github-actions", ROOT),
    }
