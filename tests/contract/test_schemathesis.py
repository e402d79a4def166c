"""Each OpenAPI document against its service: schemathesis makes the requests up."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi import checks
from tests.contract.conftest import Serve
from tests.contract.tables import BASES

import orders.handlers
import payments.handlers
from ticketing_common.events import OrderCreated, TicketCreated
from ticketing_common.web.sessions import COOKIE, SessionUser
from ticketing_testing import RunningService, new_event, new_user

EXAMPLES = 20
"""Of each kind, for each operation. The same ones every time."""

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.ignored_auth,
]

Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]
Fixed = dict[str, Any]
"""Parts of a request that are not made up."""


@pytest.mark.parametrize("service", BASES)
async def test_what_is_described_is_what_a_stranger_gets(serve: Serve, service: str) -> None:
    async with serve(service) as served:
        await asyncio.to_thread(examine, served.url, service, {}, {})


@pytest.mark.parametrize("service", BASES)
async def test_what_is_described_is_what_a_user_gets(serve: Serve, service: str) -> None:
    async with serve(service) as served:
        user = new_user()
        real = await something_real(service, served, user)
        cookies = {COOKIE: served.app.state.sessions.issue(user)}
        await asyncio.to_thread(examine, served.url, service, cookies, real)


async def something_real(service: str, served: RunningService, user: SessionUser) -> Fixed:
    """A thing of the user's for the requests to name: made-up ids are nobody's."""
    http = await served.client(user)
    match service:
        case "tickets":
            ticket = await http.post("/api/tickets", json={"title": "Concert", "price": 25})
            return {"path_parameters": {"ticketId": ticket.json()["id"]}}
        case "orders":
            offers = [new_event(TicketCreated), new_event(TicketCreated)]
            await served.bus.publish(*offers)
            await served.bus.wait_until_handled(orders.handlers.listeners)
            order = await http.post("/api/orders", json={"ticketId": offers[0].id})
            return {
                "path_parameters": {"orderId": order.json()["id"]},
                "body": {"ticketId": offers[1].id},
            }
        case "payments":
            placed = new_event(OrderCreated, user_id=user.id)
            await served.bus.publish(placed)
            await served.bus.wait_until_handled(payments.handlers.listeners)
            return {"body": {"orderId": placed.id, "token": "tok_visa"}}
        case _:
            return {}


def examine(url: str, service: str, cookies: dict[str, str], real: Fixed) -> None:
    """Raises what schemathesis has against an answer, with the request as a curl command."""
    config = schemathesis.Config.from_dict(
        {
            "generation": {"with-security-parameters": False},
            "output": {"sanitization": {"enabled": False}},
        }
    )
    document = requests.get(f"{url}{BASES[service]}/openapi.json", timeout=10).json()
    schema = schemathesis.openapi.from_dict(document, config=config)
    with requests.Session() as session:

        def ask(case: Request) -> None:
            if case.method.upper() != case.operation.method.upper():
                if case.operation.path.endswith("/webhook"):
                    return  # to another method this path of words is one of ids
                # It is told what that key's first request was answered, whatever it asks.
                case.headers.pop("Idempotency-Key", None)
            case.call_and_validate(
                base_url=url, session=session, cookies=cookies, checks=CHECKS, timeout=60
            )

        for found in schema.get_all_operations():
            operation = found.ok()  # type: ignore[union-attr]  # an Err would raise here
            if operation.path.endswith("/stream"):
                continue  # it has no end to wait for; the strangers read its head
            for cases in made_up(operation, real):
                repeatedly(cases, ask)
            for case in schema.iter_coverage_cases(
                operation,
                generation_modes=list(GenerationMode),
                generation_config=config.projects.get_default().generation,
            ):
                ask(case)


def made_up(operation: Operation, real: Fixed) -> Iterator[SearchStrategy[Request]]:
    """Requests as described, requests as not described, and some that name what there is."""
    yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    takes_input = operation.body or any(operation.iter_parameters())
    if takes_input:
        yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    fixed = {}
    if "path_parameters" in real and operation.path_parameters:
        fixed["path_parameters"] = real["path_parameters"]
    if "body" in real and operation.body:
        fixed["body"] = real["body"]
    if fixed:
        yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE, **fixed)


def repeatedly(cases: SearchStrategy[Request], ask: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def asking(case: Request) -> None:
        ask(case)

    asking()
