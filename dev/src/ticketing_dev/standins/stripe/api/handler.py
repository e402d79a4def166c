"""Handle API requests: authentication, idempotency, fault injection and the response format."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request, Response

from ticketing_dev.standins.base.faults import FaultQueue, InjectedError
from ticketing_dev.standins.base.stand_in import route_path
from ticketing_dev.standins.stripe.api.call import Call, Operation
from ticketing_dev.standins.stripe.api.errors import (
    Json,
    StripeError,
    injected_error,
    invalid_request,
)
from ticketing_dev.standins.stripe.api.expansion import expand
from ticketing_dev.standins.stripe.api.params import Params, Values, decode
from ticketing_dev.standins.stripe.api.serialization import to_json
from ticketing_dev.standins.stripe.store import SavedResponse, Store, new_id

API_VERSION = "2026-10-28.endive"


@dataclass
class ApiHandler:
    """The API over one store. A single process, so it can track keys in memory."""

    store: Store
    faults: FaultQueue
    keys_in_progress: set[tuple[str, str]] = field(default_factory=set)

    async def handle(self, request: Request, operation: Operation) -> Response:
        """Return the response in Stripe's format. Raises ConnectionDropped for that fault."""
        headers = {
            "Request-Id": new_id("req"),
            "Stripe-Version": request.headers.get("stripe-version", API_VERSION),
        }
        try:
            status, body = await self._handle(request, operation, headers)
        except StripeError as error:
            status, body = error.status, to_json({"error": error.error})
        return Response(body, status, headers, "application/json")

    async def _handle(
        self, request: Request, operation: Operation, headers: dict[str, str]
    ) -> tuple[int, str]:
        api_key = authenticate(request.headers.get("authorization"))
        values = await read_params(request)
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
        with self._exclusive_key(api_key, key):
            fault = self.faults.take(request.method, path)
            try:
                await fault.apply("before")
            except InjectedError as error:
                raise injected_error(error.status) from None
            try:
                await fault.apply("during")
            except InjectedError as error:
                operation = failing_operation(injected_error(error.status))
            response = self._execute(call, operation, api_key, path)
            if key is not None:
                headers["Original-Request"] = response.request_id
                if response.request_id != call.request_id:
                    headers["Idempotent-Replayed"] = "true"
            try:
                await fault.apply("after")
            except InjectedError as error:
                raise injected_error(error.status) from None
        return response.status, response.body

    @contextmanager
    def _exclusive_key(self, api_key: str, key: str | None) -> Iterator[None]:
        """Raise StripeError (409) for a second request with a key that is in progress."""
        if key is None:
            yield
            return
        if not 1 <= len(key) <= 255:
            raise StripeError(
                400,
                "idempotency_error",
                "Idempotency keys must be between 1 and 255 characters long.",
            )
        if (api_key, key) in self.keys_in_progress:
            raise StripeError(
                409,
                "idempotency_error",
                "There is currently another in-progress request using this Idempotent Key (that "
                "probably means you submitted twice, and the other request is still going "
                f"through): {key}. Please try again later.",
                code="idempotency_key_in_use",
            )
        self.keys_in_progress.add((api_key, key))
        try:
            yield
        finally:
            self.keys_in_progress.remove((api_key, key))

    def _execute(self, call: Call, operation: Operation, api_key: str, path: str) -> SavedResponse:
        """Run the operation and save its response under the key, or return the saved response."""
        key = call.idempotency_key
        params = fingerprint(call.params.values)
        with self.store.transaction():
            saved = self.store.saved_response(api_key, key) if key else None
            if saved:
                return check_same_request(saved, path, params, str(key))
            status, body = run(call, operation)
            response = SavedResponse(path, params, status, to_json(body), call.request_id or "")
            if key:
                self.store.save_response(api_key, key, response)
            return response


def run(call: Call, operation: Operation) -> tuple[int, Json]:
    """Return the status and body. Re-raises errors that must roll back the transaction."""
    paths = call.params.texts("expand")
    call.params.values.pop("expand", None)
    try:
        return 200, expand(call.store, operation(call), paths)
    except StripeError as error:
        if not error.saved:
            raise
        return error.status, {"error": error.error}


def failing_operation(error: StripeError) -> Operation:
    """Return an operation that only raises the error."""

    def fail(_: Call) -> Json:
        raise error

    return fail


def check_same_request(saved: SavedResponse, path: str, params: str, key: str) -> SavedResponse:
    """Return the saved response; raise StripeError if it belongs to a different request."""
    if saved.path != path:
        raise StripeError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{path}' vs '{saved.path}'). Try using a key other than '{key}' if you "
            "meant to execute a different request.",
        )
    if saved.params != params:
        raise StripeError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request.",
        )
    return saved


def fingerprint(values: Values) -> str:
    """Return a hash of the parameters."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


async def read_params(request: Request) -> Values:
    """Return the parameters: of a POST from its body, else from the query."""
    if request.method != "POST":
        return decode(request.url.query)
    try:
        return decode((await request.body()).decode())
    except UnicodeDecodeError:
        raise invalid_request("Invalid request (the body is not UTF-8)") from None


def authenticate(authorization: str | None) -> str:
    """Return the secret test key of a Bearer or Basic header. Raises StripeError (401)."""
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
        masked = f"{api_key[:8]}{'*' * max(len(api_key) - 12, 0)}{api_key[-4:]}"
        raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {masked}")
    return api_key
