"""The page of the buyer's bank: 3-D Secure, as a form that needs no script."""

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from ticketing_dev.standins.stand_in import page
from ticketing_dev.standins.stripe import control
from ticketing_dev.standins.stripe.api import Api
from ticketing_dev.standins.stripe.errors import Json
from ticketing_dev.standins.stripe.money import spelled

# Browsers read a backslash as a slash and leave out control characters, so neither may hide a
# second slash, which would lead to another host.
OWN_PATH = re.compile(r"/(?!/)[^\\\x00-\x20\x7f]*")
OUTCOMES = {"approve": "succeed", "decline": "fail"}

router = APIRouter()


@router.get("/authenticate", response_model=None)
async def ask(request: Request, client_secret: str = "", return_url: str = "") -> Response:
    """Ask the buyer whether it is them who pays. `return_url` is a path of this origin."""
    return asked(request, client_secret, own_path(return_url))


@router.post("/authenticate", response_model=None)
async def answer(
    request: Request,
    decision: Annotated[str, Form()],
    client_secret: str = "",
    return_url: str = "",
) -> Response:
    """Finish the payment as the buyer says: `decision` is approve or decline."""
    back = own_path(return_url)
    intent = found(request, client_secret)
    if decision not in OUTCOMES:
        raise HTTPException(400, "The decision is neither approve nor decline")
    if intent is None or intent["status"] != "requires_action":
        return asked(request, client_secret, back)
    control.play(request, "payment_intents", intent["id"], OUTCOMES[decision])
    return RedirectResponse(back, 303)


def asked(request: Request, client_secret: str, back: str) -> Response:
    intent = found(request, client_secret)
    waits = intent is not None and intent["status"] == "requires_action"
    amount = spelled(intent["amount"], intent["currency"]) if intent else ""
    return page(
        "authenticate.html",
        404 if intent is None else 200,
        intent=intent,
        waits=waits,
        amount=amount,
        back=back,
    )


def found(request: Request, client_secret: str) -> Json | None:
    """The intent whose secret this is."""
    api: Api = request.app.state.api
    intent = api.store.find("payment_intent", client_secret.partition("_secret_")[0])
    if intent is None:
        return None
    known = secrets.compare_digest(intent["client_secret"].encode(), client_secret.encode())
    return intent if known else None


def own_path(return_url: str) -> str:
    """The path to go back to. 400 for what may lead to another host."""
    if not OWN_PATH.fullmatch(return_url):
        raise HTTPException(400, "return_url must be a path of this site, such as /orders/1")
    return return_url
