"""The application: accepts mails as SendGrid does and shows them on a page or as JSON."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ticketing_dev.standins.base.data import data_folder
from ticketing_dev.standins.base.faults import InjectedError
from ticketing_dev.standins.base.pages import Pages
from ticketing_dev.standins.base.stand_in import StandIn, route_path
from ticketing_dev.standins.sendgrid.errors import SendGridError, request_error, status_error
from ticketing_dev.standins.sendgrid.mailbox import Mailbox, open_mailbox
from ticketing_dev.standins.sendgrid.message import parse_mails

PAGES = Pages(Path(__file__).parent / "templates")


def create_app(folder: Path | None = None) -> StandIn:
    """Create the SendGrid stand-in with its data in `folder`, else in STAND_IN_DATA."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with data_folder(folder) as data, open_mailbox(data) as mailbox:
            app.state.mailbox = mailbox
            yield

    stand_in = StandIn(lifespan)
    stand_in.add_api_route("/v3/mail/send", send, methods=["POST"], response_model=None)
    stand_in.add_api_route("/api/mails", list_mails, response_model=None)
    stand_in.add_api_route("/mails/{mail_id}", mail_page, response_model=None)
    stand_in.add_api_route("/", mailbox_page, response_model=None)
    stand_in.add_exception_handler(SendGridError, error_response)
    stand_in.add_exception_handler(InjectedError, injected_error_response)
    stand_in.add_exception_handler(HTTPException, http_error_response)
    return stand_in


async def send(request: Request) -> Response:
    """Serve POST /v3/mail/send: return 202 once the mails are stored."""
    fault = request.app.faults.take(request.method, route_path(request))
    await fault.apply("before")
    await fault.apply("during")
    authenticate(request.headers.get("authorization"))
    body = await read_json(request)
    mails = parse_mails(body)
    if is_sandbox_mode(body):
        return Response(status_code=200)
    mailbox: Mailbox = request.app.state.mailbox
    message_id = mailbox.add(mails)
    await fault.apply("after")
    return Response(status_code=202, headers={"X-Message-Id": message_id})


def authenticate(authorization: str | None) -> None:
    """Raise SendGridError unless the header has a well-formed API key."""
    scheme, _, key = (authorization or "").partition(" ")
    if not key:
        raise request_error(401, "Permission denied, wrong credentials")
    if scheme.lower() != "bearer" or not key.startswith("SG.") or key == "SG.":
        raise status_error(401)


async def read_json(request: Request) -> Any:
    """Return the JSON body. Raises SendGridError."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise request_error(415, "Content-Type should be application/json.")
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise status_error(400) from None


def is_sandbox_mode(body: Any) -> bool:
    """Return whether SendGrid would validate the request without sending."""
    settings = body.get("mail_settings")
    mode = settings.get("sandbox_mode") if isinstance(settings, dict) else None
    return isinstance(mode, dict) and mode.get("enable") is True


async def list_mails(
    request: Request,
    to: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Serve GET /api/mails: the mails, newest first."""
    mailbox: Mailbox = request.app.state.mailbox
    return JSONResponse(mailbox.newest(to, limit))


async def mailbox_page(request: Request, to: str | None = None) -> Response:
    """Serve the page that lists the mails."""
    mailbox: Mailbox = request.app.state.mailbox
    return PAGES.render("mails.html", mails=mailbox.newest(to or None), to=to or "")


async def mail_page(request: Request, mail_id: str) -> Response:
    """Serve the page of one mail."""
    mailbox: Mailbox = request.app.state.mailbox
    mail = mailbox.find(mail_id)
    if mail is None:
        raise HTTPException(404)
    return PAGES.render("mail.html", mail=mail)


async def error_response(_: Request, error: Exception) -> Response:
    """Return an error in SendGrid's shape."""
    assert isinstance(error, SendGridError)
    return JSONResponse({"errors": error.errors}, error.status)


async def injected_error_response(request: Request, error: Exception) -> Response:
    """Return an injected error in SendGrid's shape."""
    assert isinstance(error, InjectedError)
    return await error_response(request, status_error(error.status))


async def http_error_response(request: Request, error: Exception) -> Response:
    """Return an error of the router in SendGrid's shape."""
    assert isinstance(error, HTTPException)
    return await error_response(request, status_error(error.status_code))


app = create_app()
