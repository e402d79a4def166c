"""The page of the buyer's bank for 3-D Secure: a form without scripts."""

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from ticketing_dev.standins.stripe.api.errors import Json
from ticketing_dev.standins.stripe.api.handler import ApiHandler
from ticketing_dev.standins.stripe.controls.outcomes import set_outcome
from ticketing_dev.standins.stripe.pages import PAGES
from ticketing_dev.standins.stripe.resources.money import format_with_code

# Browsers read a backslash as a slash and ignore control characters, so either could form a second
# slash, which would lead to another host.
LOCAL_PATH = re.compile(r"/(?!/)[^\\\x00-\x20\x7f]*")
OUTCOMES = {"approve": "succeed", "decline": "fail"}

router = APIRouter()


@router.get("/authenticate", response_model=None)
async def show(request: Request, client_secret: str = "", return_url: str = "") -> Response:
    """Ask the buyer to approve the payment. `return_url` is a path of this origin."""
    return authentication_page(request, client_secret, local_path(return_url))


@router.post("/authenticate", response_model=None)
async def decide(
    request: Request,
    decision: Annotated[str, Form()],
    client_secret: str = "",
    return_url: str = "",
) -> Response:
    """Finish the payment: `decision` is approve or decline."""
    path = local_path(return_url)
    intent = find_intent(request, client_secret)
    if decision not in OUTCOMES:
        raise HTTPException(400, "The decision must be approve or decline")
    if intent is None or intent["status"] != "requires_action":
        return authentication_page(request, client_secret, path)
    set_outcome(request, "payment_intents", intent["id"], OUTCOMES[decision])
    return RedirectResponse(path, 303)


def authentication_page(request: Request, client_secret: str, return_path: str) -> Response:
    """Return the page: the form, or the reason why there is nothing to decide."""
    intent = find_intent(request, client_secret)
    amount = format_with_code(intent["amount"], intent["currency"]) if intent else ""
    return PAGES.render(
        "authenticate.html",
        404 if intent is None else 200,
        intent=intent,
        requires_action=intent is not None and intent["status"] == "requires_action",
        amount=amount,
        return_path=return_path,
    )


def find_intent(request: Request, client_secret: str) -> Json | None:
    """Return the intent with this client secret."""
    api: ApiHandler = request.app.state.api
    intent = api.store.find("payment_intent", client_secret.partition("_secret_")[0])
    if intent is None:
        return None
    expected = intent["client_secret"].encode()
    return intent if secrets.compare_digest(expected, client_secret.encode()) else None


def local_path(return_url: str) -> str:
    """Return the path to go back to. Raises a 400 for a URL that can lead to another host."""
    if not LOCAL_PATH.fullmatch(return_url):
        raise HTTPException(400, "return_url must be a path of this site, such as /orders/1")
    return return_url
