"""Where the things are that are not Python."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
INGRESS = ROOT / "infra" / "k8s" / "ingress.yaml"
NATS_USERS = ROOT / "infra" / "k8s" / "nats" / "users.conf"
"""Who may do what on the bus; generated."""
