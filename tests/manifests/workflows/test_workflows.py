"""What runs at GitHub: every part has its workflows, and a required check comes to an end."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.manifests.images.dockerfile import read
from tests.manifests.linters import complaints
from tests.manifests.project import DOCKERFILES, PRODUCTION, WORKFLOWS
from tests.manifests.workflows.imports import PACKAGES, reached

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT

TESTED = [*SERVICE_NAMES, "client", "common", "ops", "manifests", "system", "checks"]

DEPENDENCIES = re.compile(r" *depends-on: .*?(?= *folders:)", re.DOTALL)

every_service = pytest.mark.parametrize("service", SERVICE_NAMES)


def workflow(name: str) -> dict[str, Any]:
    # YAML 1.1 takes the key `on` for a yes.
    loaded: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())
    return {"on" if key is True else key: value for key, value in loaded.items()}


def inputs(tested: str) -> dict[str, str]:
    given: dict[str, str] = workflow(f"tests-{tested}")["jobs"][tested]["with"]
    return given


def step(name: str, job: str, called: str) -> str:
    """The script of a step."""
    steps = workflow(name)["jobs"][job]["steps"]
    (script,) = (one["run"] for one in steps if one.get("name") == called)
    assert workflow(name)["defaults"]["run"]["shell"] == "bash"
    assert isinstance(script, str)
    return script


def run(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does where `shell: bash` is said."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)} | env
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_there_are_workflows_for_every_part_and_no_others() -> None:
    expected = {f"tests-{name}" for name in TESTED} | {f"deploy-{name}" for name in PRODUCTION}
    assert {path.stem for path in WORKFLOWS.iterdir()} == {"test", "deploy"} | expected


@every_service
@pytest.mark.parametrize("kind", ["tests", "deploy"])
def test_the_workflows_of_services_differ_in_the_service_alone(kind: str, service: str) -> None:
    one, other = (
        DEPENDENCIES.sub("", (WORKFLOWS / f"{kind}-{name}.yml").read_text())
        for name in (service, SERVICE_NAMES[0])
    )
    assert one == other.replace(SERVICE_NAMES[0], service)


def test_actionlint_has_nothing_to_say() -> None:
    assert complaints("actionlint", folder=ROOT) == ""


def test_zizmor_has_nothing_to_say() -> None:
    assert complaints("zizmor", "--offline", "--quiet", ".github", folder=ROOT) == ""


def test_yamllint_has_nothing_to_say() -> None:
    checked = [".github", ".yamllint.yaml", "skaffold.yaml"]
    assert complaints("yamllint", "--strict", *checked, folder=ROOT) == ""


SPOILED = """\
name: spoiled
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
        (["actionlint", "-no-color", "spoiled.yml"], ["nothing", "untrusted"]),
        (["zizmor", "--offline", "spoiled.yml"], ["unpinned-uses", "template-injection"]),
        (["yamllint", "--strict", "spoiled.yml"], ["duplication of key"]),
    ],
)
def test_a_linter_would_say_something(tmp_path: Path, command: list[str], found: list[str]) -> None:
    spoiled = SPOILED if command[0] == "yamllint" else SPOILED.replace("on: [push]\n", "")
    (tmp_path / "spoiled.yml").write_text(spoiled)
    said = complaints(command[0], *command[1:], folder=tmp_path)
    assert [words for words in found if words not in said] == []


# What runs when: no check is left open, and none is green by mistake.


@pytest.fixture
def merge(tmp_path: Path) -> Path:
    """A pull request that changes payments, merged with a main that has changed tickets since."""

    def git(*words: str) -> None:
        config = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0"]
        subprocess.run(["git", *config, *words], cwd=tmp_path, check=True, capture_output=True)

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
def test_tests_run_where_a_pull_request_changes_what_they_depend_on_and_always_elsewhere(
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
def test_the_required_check_passes_if_nothing_failed_and_nobody_stopped_it(
    tmp_path: Path, changed: str, tests: str, passed: bool
) -> None:
    script = step("test", "passed", "Check the result")
    assert (run(script, tmp_path, CHANGED=changed, TESTS=tests).returncode == 0) is passed


def test_the_required_check_runs_whatever_happened_and_no_workflow_is_filtered_away() -> None:
    assert workflow("test")["jobs"]["passed"]["if"] == "always()"
    for name in TESTED:
        assert set(workflow(f"tests-{name}")["on"].values()) == {None}


# What depends on what, held to the code.


def covered(path: Path, by: list[str]) -> bool:
    return any(path.is_relative_to(one) for one in by)


FOLDERS = {name: given["folders"] for name in TESTED if "folders" in (given := inputs(name))}
FOLDERS["manifests"] = "tests/manifests tests/local_cluster"


@pytest.mark.parametrize("tested", FOLDERS)
def test_tests_run_whenever_a_module_changes_that_they_import(tested: str) -> None:
    depends_on = inputs(tested)["depends-on"].split()
    modules = {path for folder in FOLDERS[tested].split() for path in reached(folder)}
    assert len(modules) > 50
    not_empty = [path for path in modules if (ROOT / path).stat().st_size]
    assert sorted(path for path in not_empty if not covered(path, depends_on)) == []


@pytest.mark.parametrize("tested", [*SERVICE_NAMES, "common", "ops"])
def test_tests_do_not_run_for_what_none_of_them_imports(tested: str) -> None:
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


@pytest.mark.parametrize("tested", ["client", "manifests", "system"])
def test_what_starts_the_whole_market_depends_on_every_part_of_it(tested: str) -> None:
    depends_on = inputs(tested)["depends-on"].split()
    for part in ("services", "common/src", "dev/src", "infra/k8s", "client"):
        assert covered(Path(part), depends_on), part


def test_all_that_is_depended_on_is_there() -> None:
    named = [one for name in TESTED for one in inputs(name)["depends-on"].split()]
    assert [one for one in named if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("name", PRODUCTION)
def test_an_image_is_deployed_anew_whenever_something_changes_that_it_is_made_of(name: str) -> None:
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


def test_dependabot_looks_wherever_something_is_pinned() -> None:
    document = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())
    looked_at = {
        (update["package-ecosystem"], folder)
        for update in document["updates"]
        for pattern in update.get("directories", [update.get("directory")])
        for folder in (ROOT.glob(pattern.strip("/")) if pattern != "/" else [ROOT])
        if folder.is_dir()
    }
    services = {ROOT / "services" / name for name in SERVICE_NAMES}
    assert looked_at == {
        *(("pip", folder) for folder in {*(ROOT / name for name in PACKAGES), *services}),
        *(("docker", dockerfile.parent) for dockerfile in DOCKERFILES.values()),
        ("npm", ROOT / "client"),
        ("github-actions", ROOT),
    }
