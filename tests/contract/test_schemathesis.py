"""Each service against its OpenAPI document: schemathesis generates the requests."""

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
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, new_event, new_user, session_token

# PyMongo numbers its messages with the `random` module, in the service's polls beside the test.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)

EXAMPLES = 20
"""Requests of each kind for each operation, the same in every run."""

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
"""Parts of a request that are not generated."""


@pytest.mark.parametrize("service", BASES)
async def test_openapi_document_describes_responses_to_guests(serve: Serve, service: str) -> None:
    async with serve(service) as running:
        await asyncio.to_thread(check_service, running.url, service, {}, {})


@pytest.mark.parametrize("service", BASES)
async def test_openapi_document_describes_responses_to_users(serve: Serve, service: str) -> None:
    async with serve(service) as running:
        user = new_user()
        existing = await existing_resources(service, running, user)
        cookies = {running.app.state.sessions.cookie: session_token(user)}
        await asyncio.to_thread(check_service, running.url, service, cookies, existing)


async def existing_resources(service: str, running: RunningService, user: SessionUser) -> Fixed:
    """Create resources of the user, because generated ids do not exist."""
    http = await running.client(user)
    match service:
        case "tickets":
            ticket = await http.post("/api/tickets", json={"title": "Concert", "price": 25})
            return {"path_parameters": {"ticketId": ticket.json()["id"]}}
        case "orders":
            tickets = [new_event(TicketCreated), new_event(TicketCreated)]
            await running.bus.publish(*tickets)
            await running.bus.wait_until_handled(orders.handlers.listeners)
            order = await http.post("/api/orders", json={"ticketId": tickets[0].id})
            return {
                "path_parameters": {"orderId": order.json()["id"]},
                "body": {"ticketId": tickets[1].id},
            }
        case "payments":
            order_created = new_event(OrderCreated, user_id=user.id)
            await running.bus.publish(order_created)
            await running.bus.wait_until_handled(payments.handlers.listeners)
            return {"body": {"orderId": order_created.id, "token": "tok_visa"}}
        case _:
            return {}


def check_service(url: str, service: str, cookies: dict[str, str], existing: Fixed) -> None:
    """Send generated requests. Raises: schemathesis' failures, with a curl command."""
    config = schemathesis.Config.from_dict(
        {
            "generation": {"with-security-parameters": False},
            "output": {"sanitization": {"enabled": False}},
        }
    )
    document = requests.get(f"{url}{BASES[service]}/openapi.json", timeout=10).json()
    schema = schemathesis.openapi.from_dict(document, config=config)
    with requests.Session() as session:

        def send(case: Request) -> None:
            if case.method.upper() != case.operation.method.upper():
                if case.operation.path.endswith("/webhook"):
                    return  # with another method this path matches the route with an id
                # A key that is already used would return the stored response.
                case.headers.pop("Idempotency-Key", None)
            case.call_and_validate(
                base_url=url, session=session, cookies=cookies, checks=CHECKS, timeout=60
            )

        for found in schema.get_all_operations():
            operation = found.ok()  # type: ignore[union-attr]  # an Err would raise here
            if operation.path.endswith("/stream"):
                continue  # it has no end; test_invalid_requests reads its head
            for cases in generated(operation, existing):
                run_examples(cases, send)
            for case in schema.iter_coverage_cases(
                operation,
                generation_modes=list(GenerationMode),
                generation_config=config.projects.get_default().generation,
            ):
                send(case)


def generated(operation: Operation, existing: Fixed) -> Iterator[SearchStrategy[Request]]:
    """Yield valid requests, invalid requests, and valid ones with existing resources."""
    yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    # Every text is a valid `If-None-Match`.
    parameters = [each for each in operation.iter_parameters() if each.name != "If-None-Match"]
    takes_input = operation.body or parameters
    if takes_input:
        yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    fixed = {}
    if "path_parameters" in existing and operation.path_parameters:
        fixed["path_parameters"] = existing["path_parameters"]
    if "body" in existing and operation.body:
        fixed["body"] = existing["body"]
    if fixed:
        yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE, **fixed)


def run_examples(cases: SearchStrategy[Request], send: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def example(case: Request) -> None:
        send(case)

    example()
