"""The manifest's routes, asked of the real nginx."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from ticketing_dev.checkout import INGRESS
from ticketing_dev.stack.processes.ingress import Ingress, ingress, render
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running


class Named(ThreadingHTTPServer):
    name = ""


class Echo(BaseHTTPRequestHandler):
    """Answers with who it is and what it was asked."""

    protocol_version = "HTTP/1.1"
    server: Named

    def do_GET(self) -> None:
        asked = {"me": self.server.name, "path": self.path, "headers": dict(self.headers)}
        body = json.dumps(asked).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def backends() -> Iterator[dict[str, list[str]]]:
    """An echo for each backend of the manifest but two: one is down, as is a replica of orders."""
    servers: dict[str, Named] = {}
    for name in ("auth-srv", "tickets-srv", "orders-srv", "mail"):
        servers[name] = server = Named(("127.0.0.1", 0), Echo)
        server.name = name
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    addresses = {name: [f"127.0.0.1:{server.server_port}"] for name, server in servers.items()}
    addresses["orders-srv"].append(f"127.0.0.1:{free_port()}")
    yield addresses | {"payments-srv": [f"127.0.0.1:{free_port()}"]}
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def market(
    backends: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    data = tmp_path_factory.mktemp("ingress")
    part = ingress(free_port(), data, INGRESS, backends, {"/dev/mail/": "mail"})
    with running(part), httpx.Client(base_url=part.url) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "backend"),
    [
        ("/api/users", "auth-srv"),
        ("/api/users/", "auth-srv"),
        ("/api/users/signup?next=%2Fx", "auth-srv"),
        ("/api/tickets", "tickets-srv"),
        ("/api/tickets/1/2", "tickets-srv"),
        ("/api/orders", "orders-srv"),
    ],
)
def test_a_path_leads_to_its_service_unchanged(
    market: httpx.Client, path: str, backend: str
) -> None:
    answer = market.get(path).json()
    assert answer["me"] == backend
    assert answer["path"] == path


@pytest.mark.parametrize(
    "path", ["/api/usersfoo", "/api/user", "/api", "/metrics", "/healthz", "/readyz"]
)
def test_a_path_that_only_looks_alike_does_not(market: httpx.Client, path: str) -> None:
    answer = market.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"errors": [{"message": "Not found"}]}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/api/users/../../metrics", "/api/users/%2e%2e/%2e%2e/readyz"])
def test_nobody_climbs_out_of_a_prefix(
    backends: dict[str, str], market: httpx.Client, path: str
) -> None:
    request = httpx.Request("GET", market.base_url)
    request.url = httpx.URL(market.base_url, raw_path=path.encode())
    assert market.send(request).status_code == 404


def test_a_service_hears_who_asked_for_what(market: httpx.Client) -> None:
    sent = {"Host": "ticketing.dev", "X-Forwarded-For": "6.6.6.6", "X-Request-ID": "mine"}
    heard = market.get("/api/users", headers=sent).json()["headers"]
    assert heard["Host"] == heard["X-Forwarded-Host"] == "ticketing.dev"
    assert heard["X-Forwarded-For"] == heard["X-Real-IP"] == "127.0.0.1"
    assert heard["X-Forwarded-Proto"] == "http"
    assert heard["X-Request-ID"] == "mine"


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (413, {"method": "POST", "url": "/api/users", "content": b"x" * 2_000_000}),
        (414, {"method": "GET", "url": "/" + "x" * 20_000}),
        (431, {"method": "GET", "url": "/", "headers": {"X-Long": "x" * 40_000}}),
        (502, {"method": "GET", "url": "/api/payments"}),
        (405, {"method": "TRACE", "url": "/"}),
    ],
)
def test_what_nginx_says_itself_has_the_one_error_shape(
    market: httpx.Client, status: int, ask: dict[str, Any]
) -> None:
    answer = market.request(**ask)
    assert answer.status_code == status
    assert [set(error) for error in answer.json()["errors"]] == [{"message"}]


def test_a_stand_ins_pages_are_shown_without_their_prefix(market: httpx.Client) -> None:
    answer = market.get("/dev/mail/messages?page=2").json()
    assert (answer["me"], answer["path"]) == ("mail", "/messages?page=2")


def test_the_rendered_routes_are_those_of_the_manifest() -> None:
    ingress = Ingress.from_manifest(INGRESS)
    assert {route.path: route.backend for route in ingress.routes} == {
        "/api/users": "auth-srv",
        "/api/tickets": "tickets-srv",
        "/api/orders": "orders-srv",
        "/api/payments": "payments-srv",
        "/metrics": "nowhere-srv",
        "/healthz": "nowhere-srv",
        "/readyz": "nowhere-srv",
        "/": "client-srv",
    }
    config = render(ingress, "127.0.0.1:1", {"client-srv": ["127.0.0.1:2"]})["nginx.conf"]
    assert all(f"location {m} {{" in config for route in ingress.routes for m in route.matchers)


def test_a_path_that_only_one_controller_understands_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "ingress.yaml"
    manifest.write_text(INGRESS.read_text().replace("Prefix", "ImplementationSpecific"))
    with pytest.raises(ValueError, match="/api/users: only a controller knows"):
        Ingress.from_manifest(manifest)


def test_while_one_replica_is_down_the_others_answer(market: httpx.Client) -> None:
    for _ in range(6):
        answer = market.get("/api/orders")
        assert (answer.status_code, answer.json()["me"]) == (200, "orders-srv")
