"""What the project consists of, read off its folders: the one list that all else is held to."""

from ticketing_dev.checkout import ROOT

SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
WORKFLOWS = ROOT / ".github" / "workflows"
DOCKERFILES = {
    **dict.fromkeys(SERVICES, ROOT / "services" / "Dockerfile"),
    "client": ROOT / "client" / "Dockerfile",
    "stand-ins": ROOT / "dev" / "Dockerfile",
}
"""The images `ticketing/NAME`, and what builds each."""
DEPLOYED = [*SERVICES, "client"]
"""Those of them that run in production."""
