"""skaffold.yaml: it builds every image and syncs every source."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from tests.manifests.images.dockerfile import read
from tests.manifests.project import DEPLOYED, DOCKERFILES, PRODUCTION

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT

SCHEMA = ROOT.parent / "shared" / "schemas" / "skaffold-v4beta13.schema.json"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    return loaded


def artifacts(build: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["image"].removeprefix("ticketing/"): one for one in build["artifacts"]}


def profile(config: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in config["profiles"] if one["name"] == name)
    assert isinstance(found, dict)
    return found


@pytest.mark.skipif(not SCHEMA.exists(), reason="skaffold's schema is missing")
def test_skaffold_config_is_valid(config: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft7Validator.check_schema(schema)
    validator = Draft7Validator(schema)
    assert [fault.message for fault in validator.iter_errors(config)] == []
    config = {**config, "build": {"artifacts": [{"dockerfile": "Dockerfile"}]}}
    assert not validator.is_valid(config)


def test_skaffold_builds_every_image(config: dict[str, Any]) -> None:
    assert set(artifacts(config["build"])) == set(DOCKERFILES)
    assert set(artifacts(profile(config, "prod")["build"])) == set(PRODUCTION)


def test_artifact_uses_its_dockerfile_and_stage(
    config: dict[str, Any],
) -> None:
    for build, target in ((config["build"], "live"), (profile(config, "prod")["build"], None)):
        for name, artifact in artifacts(build).items():
            docker, context = artifact.get("docker", {}), ROOT / artifact.get("context", ".")
            assert context / docker.get("dockerfile", "Dockerfile") == DOCKERFILES[name]
            assert docker.get("target") == (target if name in DEPLOYED else None)
            arguments = {"SERVICE": name} if name in SERVICE_NAMES else {}
            assert docker.get("buildArgs", {}) == arguments


@pytest.mark.parametrize("name", DEPLOYED)
def test_artifact_syncs_every_source_to_the_live_folder(config: dict[str, Any], name: str) -> None:
    artifact = artifacts(config["build"])[name]
    context = ROOT / artifact.get("context", ".")
    rules = [(context, rule) for rule in artifact["sync"]["manual"]]
    image = read(DOCKERFILES[name], "live", SERVICE=name)
    for copied in [one for one in image.copied if one.endswith("src") or one == "."]:
        folder = context / copied if copied != "." else context / "src"
        begin = folder if copied != "." else context
        for source in (path for path in folder.rglob("*.[pt]*") if path.is_file()):
            if "__pycache__" in source.parts or "testing" in source.parts:
                continue
            assert sync_targets(source, rules) == {Path("/tmp/live") / source.relative_to(begin)}


def sync_targets(source: Path, rules: list[tuple[Path, dict[str, str]]]) -> set[Path]:
    """Return the paths to which skaffold copies a file."""
    found = set()
    for context, rule in rules:
        path = source.relative_to(context)
        if source.is_relative_to(context / rule["src"].removesuffix("/**/*")):
            found.add(Path(rule["dest"]) / str(path).removeprefix(rule.get("strip", "")))
    return found


def test_profile_deploys_one_service(config: dict[str, Any]) -> None:
    assert {one["name"] for one in config["profiles"]} == {"prod", *DEPLOYED}
    for name in DEPLOYED:
        single = profile(config, name)
        assert artifacts(single["build"]) == {name: artifacts(config["build"])[name]}
        for flags in single["deploy"]["kubectl"]["flags"].values():
            assert flags == [f"--selector=app={name}"]


def test_profiles_deploy_their_overlays(config: dict[str, Any]) -> None:
    assert config["manifests"]["kustomize"]["paths"] == ["infra/k8s-dev"]
    assert profile(config, "prod")["manifests"]["kustomize"]["paths"] == ["infra/k8s-prod"]


def test_skaffold_config_has_no_keys(config: dict[str, Any]) -> None:
    assert "{{" not in yaml.safe_dump(config)
