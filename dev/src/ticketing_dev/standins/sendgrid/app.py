"""The app: mails come in as they would at SendGrid, and are read on a page or as JSON."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ticketing_dev.standins.data import data_folder
from ticketing_dev.standins.faults import InjectedError
from ticketing_dev.standins.sendgrid.errors import SendGridError, plain, refused
from ticketing_dev.standins.sendgrid.mailbox import Mailbox, open_mailbox
from ticketing_dev.standins.sendgrid.message import mails
from ticketing_dev.standins.stand_in import StandIn, page, route_path


def create_app(folder: Path | None = None) -> StandIn:
    """The SendGrid stand-in, with its state in `folder`, else where STAND_IN_DATA says."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with data_folder(folder) as data, open_mailbox(data) as mailbox:
            app.state.mailbox = mailbox
            yield

    stand_in = StandIn(lifespan)
    stand_in.add_api_route("/v3/mail/send", send, methods=["POST"], response_model=None)
    stand_in.add_api_route("/api/mails", received, response_model=None)
    stand_in.add_api_route("/mails/{name}", show, response_model=None)
    stand_in.add_api_route("/", overview, response_model=None)
    stand_in.add_exception_handler(SendGridError, refuse)
    stand_in.add_exception_handler(InjectedError, fail)
    stand_in.add_exception_handler(HTTPException, not_a_route)
    return stand_in


async def send(request: Request) -> Response:
    """POST /v3/mail/send: 202 once the mails are on the disk."""
    fault = request.app.faults.take(request.method, route_path(request))
    await fault.strike("before")
    await fault.strike("during")
    authenticate(request.headers.get("authorization"))
    body = await sent_json(request)
    taken = mails(body)
    if sandboxed(body):
        return Response(status_code=200)
    mailbox: Mailbox = request.app.state.mailbox
    message_id = mailbox.take(taken)
    await fault.strike("after")
    return Response(status_code=202, headers={"X-Message-Id": message_id})


def authenticate(authorization: str | None) -> None:
    scheme, _, key = (authorization or "").partition(" ")
    if not key:
        raise refused(401, "Permission denied, wrong credentials")
    if scheme.lower() != "bearer" or not key.startswith("SG.") or key == "SG.":
        raise plain(401)


async def sent_json(request: Request) -> Any:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise refused(415, "Content-Type should be application/json.")
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise plain(400) from None


def sandboxed(body: Any) -> bool:
    """Sandbox mode: checked as ever, delivered to nobody."""
    settings = body.get("mail_settings")
    mode = settings.get("sandbox_mode") if isinstance(settings, dict) else None
    return isinstance(mode, dict) and mode.get("enable") is True


async def received(
    request: Request,
    to: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """GET /api/mails: what came in, newest first, for tests."""
    mailbox: Mailbox = request.app.state.mailbox
    return JSONResponse(mailbox.newest(to, limit))


async def overview(request: Request, to: str | None = None) -> Response:
    mailbox: Mailbox = request.app.state.mailbox
    return page("mails.html", mails=mailbox.newest(to or None), to=to or "")


async def show(request: Request, name: str) -> Response:
    mailbox: Mailbox = request.app.state.mailbox
    mail = mailbox.find(name)
    if mail is None:
        raise HTTPException(404)
    return page("mail.html", mail=mail)


async def refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, SendGridError)
    return JSONResponse({"errors": error.errors}, error.status)


async def fail(request: Request, error: Exception) -> Response:
    """An error that a fault asked for, in SendGrid's shape."""
    assert isinstance(error, InjectedError)
    return await refuse(request, plain(error.status))


async def not_a_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return await refuse(request, plain(error.status_code))


app = create_app()
