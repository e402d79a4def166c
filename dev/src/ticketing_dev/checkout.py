"""Where the things are that are not Python."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
INGRESS = ROOT / "infra" / "k8s" / "ingress.yaml"
