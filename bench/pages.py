"""The pages of the client: CPU time, time to first byte, Largest Contentful Paint.

Loads every page in turn from one Node server each for the client, for static copies of its pages,
which are the limit, and for another build of the client if there is one to compare. "Stack" is the
CPU time of MongoDB and all services. In the browser, another visitor has just loaded the page.
"""

import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from bench.report import Figure, console
from bench.stack import Stack, cpu_seconds

from ticketing_dev.stack import client_build
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.tools import node

HELPER = Path(__file__).with_suffix(".mjs")
TICKETS = 48
WARM_UP = 150
ROUNDS = 6
REQUESTS_PER_ROUND = 40
STATIC = "static copy"
FIGURES = ("server CPU", "stack CPU", "first byte", "largest paint")
SMALLEST_LIMIT = 0.1
"""Milliseconds. A ratio to less would be noise: a static copy costs the stack nothing."""

Samples = dict[tuple[str, str, str], list[float]]
"""Milliseconds by page, server and figure."""


@dataclass(frozen=True)
class Page:
    """A page as a visitor or a signed-in user sees it."""

    name: str
    path: str
    session: str | None

    @property
    def headers(self) -> dict[str, str]:
        cookie = {"cookie": f"session={self.session}"} if self.session else {}
        return {"accept-encoding": "gzip", **cookie}


@dataclass(frozen=True)
class Server:
    """A running Node server with pages."""

    name: str
    port: int
    process: psutil.Process

    def url(self, page: Page) -> str:
        return f"http://localhost:{self.port}{page.path}"


def create_pages(url: str) -> list[Page]:
    """Sign up, list tickets, and return the pages to measure."""
    with httpx.Client(base_url=url) as seller:
        account = {"email": "bench@example.com", "password": "long enough"}
        seller.post("/api/users/signup", json=account).raise_for_status()
        for number in range(TICKETS):
            body = {"title": f"Philharmonic, row {number}", "price": 10 + number}
            ticket = seller.post("/api/tickets", json=body).raise_for_status().json()
        session = seller.cookies["session"]
    paths = {"front page": "/", "ticket page": f"/tickets/{ticket['id']}"}
    users = {"visitor": None, "session": session}
    return [
        Page(f"{name}, {user}", path, users[user]) for user in users for name, path in paths.items()
    ]


@contextmanager
def node_server(name: str, *arguments: str, **environment: str) -> Iterator[Server]:
    """Run a Node server until the end of the block."""
    port = free_port()
    address = {"PORT": str(port), "HOSTNAME": "127.0.0.1", "NODE_ENV": "production"}
    process = subprocess.Popen(
        [str(node.folder() / "node"), *arguments],
        env=node.environment() | address | environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not is_listening(port):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"The server of the {name} does not start.")
            time.sleep(0.1)
        yield Server(name, port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


def is_listening(port: int) -> bool:
    """Return whether a server listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def copy_pages(server: Server, pages: list[Page], build: Path, folder: Path) -> Path:
    """Save the pages of a server. Returns the file of options for the static server."""
    copies = {}
    for page in pages:
        response = httpx.get(server.url(page), headers=page.headers).raise_for_status()
        kept = ("content-type", "content-security-policy", "link")
        headers = {name: response.headers[name] for name in kept}
        key = f"{page.path} {page.headers.get('cookie', '')}"
        copies[key] = {"headers": headers, "body": response.text}
    options = folder / "static.json"
    options.write_text(json.dumps({"build": str(build), "pages": copies}))
    return options


def measure_cpu(servers: list[Server], pages: list[Page], stack: Stack) -> Samples:
    """Load each page from each server in turn. Returns the CPU time per page of every round."""
    samples: Samples = defaultdict(list)
    stack_processes = stack.processes()

    def load(client: httpx.Client, server: Server, page: Page, count: int) -> None:
        for _ in range(count):
            client.get(server.url(page), headers=page.headers).raise_for_status()

    with httpx.Client(timeout=30) as client:
        for page in pages:
            for server in servers:
                load(client, server, page, WARM_UP)
        for _ in range(ROUNDS):
            for page in pages:
                for server in servers:
                    measured = {"server CPU": [server.process], "stack CPU": stack_processes}
                    before = {name: cpu_seconds(group) for name, group in measured.items()}
                    load(client, server, page, REQUESTS_PER_ROUND)
                    for name, group in measured.items():
                        seconds = (cpu_seconds(group) - before[name]) / REQUESTS_PER_ROUND
                        samples[page.name, server.name, name].append(seconds * 1000)
    return samples


def measure_browser(servers: list[Server], pages: list[Page], folder: Path) -> Samples:
    """Load each page from each server in Chromium, with empty caches."""
    targets = [
        {"name": [page.name, server.name], "url": server.url(page), "session": page.session}
        for page in pages
        for server in servers
    ]
    options = folder / "browser.json"
    options.write_text(json.dumps(targets))
    command = [str(node.folder() / "node"), str(HELPER), "browser", str(options)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    samples: Samples = defaultdict(list)
    for line in output.splitlines():
        load = json.loads(line)
        samples[*load["name"], "first byte"].append(load["ttfb"])
        samples[*load["name"], "largest paint"].append(load["lcp"])
    return samples


def summarize(samples: Samples, servers: list[Server], pages: list[Page]) -> list[Figure]:
    """Return the median of each figure, with its ratio to the static copy."""
    figures = []
    for page in pages:
        for server in servers[:-1]:
            for figure in FIGURES:
                value = statistics.median(samples[page.name, server.name, figure])
                limit = statistics.median(samples[page.name, STATIC, figure])
                ratio = f"{value / limit:.1f} x the static copy" if limit >= SMALLEST_LIMIT else ""
                name = f"{page.name}: {figure}"
                name += f", {server.name}" if len(servers) > 2 else ""
                figures.append(Figure("Pages", name, value, "ms", None, detail=ratio))
    return figures


async def measure_pages() -> list[Figure]:
    """Measure the pages. BENCH_OTHER_CLIENT names the server file of another build to compare."""
    build = client_build.build(console.print)
    client_build.install(console.print)  # Playwright, which a build does not need
    builds = {"now": str(build / "server" / "main.mjs")}
    if other := os.environ.get("BENCH_OTHER_CLIENT"):
        builds = {"other": other, **builds}
    with (
        Stack.running("--no-client") as stack,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        ExitStack() as running,
    ):
        pages = create_pages(stack.url)
        servers = [
            running.enter_context(node_server(name, server, API_URL=stack.url))
            for name, server in builds.items()
        ]
        copies = copy_pages(servers[-1], pages, build, Path(folder))
        static = node_server(STATIC, str(HELPER), "static", str(copies))
        servers.append(running.enter_context(static))
        samples = measure_cpu(servers, pages, stack)
        samples |= measure_browser(servers, pages, Path(folder))
    return summarize(samples, servers, pages)
