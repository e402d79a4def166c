"""The workflows and images of the project."""

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
DOCKERFILES = {
    **dict.fromkeys(SERVICE_NAMES, ROOT / "services" / "Dockerfile"),
    "client": ROOT / "client" / "Dockerfile",
    "stand-ins": ROOT / "dev" / "Dockerfile",
    "ops": ROOT / "ops" / "Dockerfile",
}
"""The Dockerfile of each image `ticketing/NAME`."""
DEPLOYED = [*SERVICE_NAMES, "client"]
"""Those of them that run in Deployments in production."""
SERVING = [*DEPLOYED, "stand-ins"]
"""Those of them that serve HTTP."""
PRODUCTION = [*DEPLOYED, "ops"]
"""All images that run in production."""
