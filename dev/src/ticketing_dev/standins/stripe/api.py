"""How a call is answered: who asks, with what, whether it was asked before, and in what words."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request, Response

from ticketing_dev.standins.faults import Faults, InjectedError
from ticketing_dev.standins.stand_in import route_path
from ticketing_dev.standins.stripe.call import Call, Rule
from ticketing_dev.standins.stripe.errors import Json, StripeError, injected, invalid
from ticketing_dev.standins.stripe.expand import expand
from ticketing_dev.standins.stripe.params import Params, Values, decode
from ticketing_dev.standins.stripe.store import Answer, Store, new_id
from ticketing_dev.standins.stripe.wire import written

API_VERSION = "2026-10-28.endive"


@dataclass
class Api:
    """The API over one store. One process, so what is under way is known here."""

    store: Store
    faults: Faults
    under_way: set[tuple[str, str]] = field(default_factory=set)

    async def answer(self, request: Request, rule: Rule) -> Response:
        """Answer in Stripe's shape and headers, whatever happens. Lets Dropped through."""
        headers = {
            "Request-Id": new_id("req"),
            "Stripe-Version": request.headers.get("stripe-version", API_VERSION),
        }
        try:
            status, body = await self.attend(request, rule, headers)
        except StripeError as error:
            status, body = error.status, written({"error": error.error})
        return Response(body, status, headers, "application/json")

    async def attend(
        self, request: Request, rule: Rule, headers: dict[str, str]
    ) -> tuple[int, str]:
        api_key = authenticate(request.headers.get("authorization"))
        values = await sent_values(request)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is not None:
            headers["Idempotency-Key"] = key
        call = Call(
            store=self.store,
            params=Params(values),
            api_version=headers["Stripe-Version"],
            request_id=headers["Request-Id"],
            path=request.path_params,
            idempotency_key=key,
        )
        path = route_path(request)
        with self.alone(api_key, key):
            fault = self.faults.take(request.method, path)
            try:
                await fault.strike("before")
            except InjectedError as error:
                raise injected(error.status) from None
            try:
                await fault.strike("during")
                happening = rule
            except InjectedError as error:
                happening = failing_with(injected(error.status))
            answer = self.execute(call, happening, api_key, path)
            if key is not None:
                headers["Original-Request"] = answer.request
                if answer.request != call.request_id:
                    headers["Idempotent-Replayed"] = "true"
            try:
                await fault.strike("after")
            except InjectedError as error:
                raise injected(error.status) from None
        return answer.status, answer.body

    @contextmanager
    def alone(self, api_key: str, key: str | None) -> Iterator[None]:
        """Refuse a second request with a key while the first is still being answered."""
        if key is None:
            yield
            return
        if not 1 <= len(key) <= 255:
            raise StripeError(
                400,
                "idempotency_error",
                "Idempotency keys must be between 1 and 255 characters long.",
            )
        if (api_key, key) in self.under_way:
            raise StripeError(
                409,
                "idempotency_error",
                "There is currently another in-progress request using this Idempotent Key (that "
                "probably means you submitted twice, and the other request is still going "
                f"through): {key}. Please try again later.",
                code="idempotency_key_in_use",
            )
        self.under_way.add((api_key, key))
        try:
            yield
        finally:
            self.under_way.remove((api_key, key))

    def execute(self, call: Call, rule: Rule, api_key: str, path: str) -> Answer:
        """Do it, and keep the answer under its key, in one transaction; or find the kept one."""
        key = call.idempotency_key
        params = fingerprint(call.params.values)
        with self.store.transaction():
            kept = self.store.answer(api_key, key) if key else None
            if kept:
                return same_request(kept, path, params, str(key))
            status, body = run(call, rule)
            answer = Answer(path, params, status, written(body), call.request_id or "")
            if key:
                self.store.keep(api_key, key, answer)
            return answer


def run(call: Call, rule: Rule) -> tuple[int, Json]:
    """The rule's answer. An error that is no outcome goes on, and takes the transaction along."""
    paths = call.params.texts("expand")
    call.params.values.pop("expand", None)
    try:
        return 200, expand(call.store, rule(call), paths)
    except StripeError as error:
        if not error.saved:
            raise
        return error.status, {"error": error.error}


def failing_with(error: StripeError) -> Rule:
    def fail(_: Call) -> Json:
        raise error

    return fail


def same_request(kept: Answer, path: str, params: str, key: str) -> Answer:
    """The kept answer, if it answers this very request."""
    if kept.path != path:
        raise StripeError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{path}' vs '{kept.path}'). Try using a key other than '{key}' if you "
            "meant to execute a different request.",
        )
    if kept.params != params:
        raise StripeError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request.",
        )
    return kept


def fingerprint(values: Values) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


async def sent_values(request: Request) -> Values:
    """The parameters: of a POST from its body, else from the query."""
    if request.method != "POST":
        return decode(request.url.query)
    try:
        return decode((await request.body()).decode())
    except UnicodeDecodeError:
        raise invalid("Invalid request (the body is not UTF-8)") from None


def authenticate(authorization: str | None) -> str:
    """The secret test key that the request was made with, by Bearer or Basic auth."""
    scheme, _, value = (authorization or "").partition(" ")
    api_key = value.strip()
    if scheme.lower() == "basic":
        try:
            api_key = b64decode(api_key, validate=True).decode().partition(":")[0]
        except ValueError:
            api_key = ""
    if scheme.lower() not in ("basic", "bearer") or not api_key:
        raise StripeError(
            401,
            "invalid_request_error",
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details.",
        )
    if not api_key.startswith("sk_test_") or api_key == "sk_test_":
        shown = f"{api_key[:8]}{'*' * max(len(api_key) - 12, 0)}{api_key[-4:]}"
        raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {shown}")
    return api_key
