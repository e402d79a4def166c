"""The Kubernetes Ingress manifest, rendered for a local nginx: one list of routes for both."""

import grp
import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

ERRORS = {
    400: "Bad request",
    404: "Not found",
    405: "Method not allowed",
    413: "Body is too large",
    414: "Address is too long",
    494: "Headers are too large",  # nginx's own name for a 431
    500: "Something went wrong",
    502: "Not available at the moment, try again",
    503: "Not available at the moment, try again",
    504: "Took too long, try again",
}

NOWHERE = "nowhere-srv"
"""Where the manifest sends what is for the cluster alone."""

_templates = Environment(
    loader=PackageLoader("ticketing_dev.stack", "."),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  it is no page
    trim_blocks=True,
)


@dataclass(frozen=True)
class Route:
    """One path of an Ingress, and the Kubernetes service that it leads to."""

    path: str
    exact: bool
    backend: str

    @property
    def matchers(self) -> list[str]:
        """The nginx locations that together match just what the path means in Kubernetes.

        There a prefix ends between two slashes: /api/users matches /api/users and /api/users/1, not
        /api/usersfoo. nginx picks the longest by itself, as Kubernetes wants it.
        """
        if self.exact:
            return [f"= {self.path}"]
        if self.path == "/":
            return ["/"]
        return [f"= {self.path}", f"{self.path}/"]


@dataclass(frozen=True)
class Ingress:
    """What an Ingress manifest says."""

    hosts: list[str]
    routes: list[Route]

    @classmethod
    def of(cls, manifest: Path) -> "Ingress":
        """Read a manifest. Raises ValueError for what has no meaning outside of one controller."""
        documents = yaml.safe_load_all(manifest.read_text())
        [spec] = [document["spec"] for document in documents if document["kind"] == "Ingress"]
        return cls(
            hosts=[rule["host"] for rule in spec["rules"] if "host" in rule],
            routes=[_route(path) for rule in spec["rules"] for path in rule["http"]["paths"]],
        )


def _route(path: dict[str, Any]) -> Route:
    if path["pathType"] not in ("Prefix", "Exact"):
        raise ValueError(f"{path['path']}: only a controller knows what {path['pathType']} means")
    exact = path["pathType"] == "Exact"
    plain = path["path"] if exact else path["path"].rstrip("/") or "/"
    return Route(plain, exact, path["backend"]["service"]["name"])


def _root() -> str | None:
    """The user and group that nginx has to be told to stay: others may not write here."""
    if os.geteuid() != 0:
        return None
    return f"{pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name}"


def render(
    ingress: Ingress,
    listen: str,
    addresses: Mapping[str, Sequence[str]],
    extras: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The files of an nginx that serves the ingress.

    `addresses` says where each backend's replicas answer (`host:port`). A route to one that is not
    among them is a 503; for `/` it is a 404, as a stack can do without pages, and so it is for what
    leads to NOWHERE. `extras` are prefixes, taken off on the way, that lead to backends which the
    manifest does not know.
    """
    known: dict[str, Any] = {
        "listen": listen,
        "hosts": ingress.hosts,
        "routes": ingress.routes,
        "addresses": addresses,
        "extras": extras or {},
        "nowhere": NOWHERE,
        "errors": ERRORS,
        "user": _root(),
    }
    return {
        "nginx.conf": _templates.get_template("nginx.conf.j2").render(known),
        "temp/.keep": "",  # nginx makes the folders below it, but not this one
    }
