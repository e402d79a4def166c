"""The routes of the manifest in a real nginx."""

import json
import re
import socket
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
from ticketing_testing.timeouts import TIMEOUT_SECONDS


class NamedServer(ThreadingHTTPServer):
    name = ""


class Echo(BaseHTTPRequestHandler):
    """Return the name of the server and the request."""

    protocol_version = "HTTP/1.1"
    server: NamedServer

    def do_GET(self) -> None:
        asked = {"server": self.server.name, "path": self.path, "headers": dict(self.headers)}
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
    servers: dict[str, NamedServer] = {}
    for name in ("auth-srv", "tickets-srv", "orders-srv", "mail"):
        servers[name] = server = NamedServer(("127.0.0.1", 0), Echo)
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
def nginx(
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
def test_ingress_routes_a_path_to_its_service_unchanged(
    nginx: httpx.Client, path: str, backend: str
) -> None:
    response = nginx.get(path).json()
    assert response["server"] == backend
    assert response["path"] == path


@pytest.mark.parametrize(
    "path", ["/api/usersfoo", "/api/user", "/api", "/metrics", "/healthz", "/readyz"]
)
def test_ingress_rejects_similar_paths(nginx: httpx.Client, path: str) -> None:
    response = nginx.get(path)
    assert response.status_code == 404
    assert response.json() == {"errors": [{"code": "not_found", "message": "Not found"}]}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/api/users/../../metrics", "/api/users/%2e%2e/%2e%2e/readyz"])
def test_ingress_rejects_path_traversal(
    backends: dict[str, str], nginx: httpx.Client, path: str
) -> None:
    request = httpx.Request("GET", nginx.base_url)
    request.url = httpx.URL(nginx.base_url, raw_path=path.encode())
    assert nginx.send(request).status_code == 404


def test_ingress_sets_forwarded_headers(nginx: httpx.Client) -> None:
    sent = {"Host": "ticketing.dev", "X-Forwarded-For": "6.6.6.6", "X-Request-ID": "mine"}
    headers = nginx.get("/api/users", headers=sent).json()["headers"]
    assert headers["Host"] == headers["X-Forwarded-Host"] == "ticketing.dev"
    assert headers["X-Forwarded-For"] == headers["X-Real-IP"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Request-ID"] == "mine"


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
def test_ingress_errors_have_the_error_shape_of_the_api(
    nginx: httpx.Client, status: int, ask: dict[str, Any]
) -> None:
    response = nginx.request(**ask)
    assert response.status_code == status
    assert [set(error) for error in response.json()["errors"]] == [{"code", "message"}]


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (400, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\n\r\n"),
        (501, b"POST /api/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"),
        (505, b"GET / HTTP/2.0\r\nHost: x\r\n\r\n"),
        (505, b"GET / HTTP/3.0\r\nHost: x\r\n\r\n"),
    ],
)
def test_ingress_errors_of_invalid_http_have_the_error_shape_of_the_api(
    nginx: httpx.Client, status: int, request_bytes: bytes
) -> None:
    address = (nginx.base_url.host, nginx.base_url.port or 80)
    with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(request_bytes)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert [set(error) for error in json.loads(body)["errors"]] == [{"code", "message"}]


@pytest.mark.parametrize("sent", ["a b", "x" * 129, "<script>", "", None])
def test_ingress_replaces_an_invalid_request_id(nginx: httpx.Client, sent: str | None) -> None:
    headers = {} if sent is None else {"X-Request-ID": sent}
    passed_on = nginx.get("/api/users", headers=headers).json()["headers"]["X-Request-ID"]
    of_error = nginx.get("/api", headers=headers).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", passed_on)
    assert re.fullmatch("[0-9a-f]{32}", of_error)


def test_ingress_strips_the_prefix_of_extra_routes(nginx: httpx.Client) -> None:
    response = nginx.get("/dev/mail/messages?page=2").json()
    assert (response["server"], response["path"]) == ("mail", "/messages?page=2")


def test_render_has_the_routes_of_the_manifest() -> None:
    ingress = Ingress.from_manifest(INGRESS)
    assert {route.path: route.backend for route in ingress.routes} == {
        "/api/users": "auth-srv",
        "/api/tickets": "tickets-srv",
        "/api/orders": "orders-srv",
        "/api/payments": "payments-srv",
        "/metrics": "no-backend-srv",
        "/healthz": "no-backend-srv",
        "/readyz": "no-backend-srv",
        "/": "client-srv",
    }
    config = render(ingress, "127.0.0.1:1", {"client-srv": ["127.0.0.1:2"]})["nginx.conf"]
    assert all(f"location {m} {{" in config for route in ingress.routes for m in route.matchers)


def test_from_manifest_rejects_controller_specific_paths(tmp_path: Path) -> None:
    manifest = tmp_path / "ingress.yaml"
    manifest.write_text(INGRESS.read_text().replace("Prefix", "ImplementationSpecific"))
    with pytest.raises(ValueError, match="/api/users: pathType ImplementationSpecific"):
        Ingress.from_manifest(manifest)


def test_ingress_uses_the_other_replicas_while_one_is_down(nginx: httpx.Client) -> None:
    for _ in range(6):
        response = nginx.get("/api/orders")
        assert (response.status_code, response.json()["server"]) == (200, "orders-srv")
