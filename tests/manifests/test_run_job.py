"""infra/run-job.sh, with a kubectl that has no cluster."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.manifests.conftest import Render

from ticketing_dev.tools.manifests import INFRA, KUBECTL


@pytest.fixture
def run_job(overlay: Render, tmp_path: Path) -> dict[str, str]:
    """The environment of a kubectl that reads the CronJob `operator` and stores the new Job."""
    [cronjob] = [
        one
        for one in overlay("k8s-prod")
        if (one["kind"], one["metadata"]["name"]) == ("CronJob", "operator")
    ]
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "operator-now"},
        "spec": cronjob["spec"]["jobTemplate"]["spec"],
    }
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(job))
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f'    *"create job"*) cat {tmp_path}/template.yaml ;;\n'
        f'    patch*) exec {KUBECTL} "$@" ;;\n'
        f"    *create*) cat > {tmp_path}/created.yaml ;;\n"
        "esac\n"
    )
    kubectl.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}


def test_run_job_passes_the_arguments_unchanged(run_job: dict[str, str], tmp_path: Path) -> None:
    arguments = ["refund", "a b", '"quoted" \\ text', ""]

    subprocess.run([INFRA / "run-job.sh", "operator", *arguments], env=run_job, check=True)

    created = yaml.safe_load((tmp_path / "created.yaml").read_text())
    [container] = created["spec"]["template"]["spec"]["containers"]
    assert container["args"] == arguments
    assert "ticketing/ops" in container["image"]
