"""Fault injection: the next requests fail, time out, or lose their response."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

Phase = Literal["before", "during", "after"]


class Fault(BaseModel):
    """A fault for the next requests that match.

    `before`: the request has had no effect yet. `after`: its effect is stored and only the response
    is lost. `during`: the effect is rolled back, and Stripe saves the error under the idempotency
    key.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["error", "drop", "delay"]
    when: Phase = "before"
    status: int = Field(500, ge=400, le=599, description="the status of an `error`")
    seconds: float = Field(1, ge=0, le=600, description="the length of a `delay`")
    times: int = Field(1, ge=1, description="the number of requests to fail")
    method: str | None = Field(None, description="match only this method, e.g. POST")
    path: str = Field("/", description="match only paths with this prefix, e.g. /v1/refunds")

    async def apply(self, phase: Phase) -> None:
        """Inject the fault if this is its phase.

        Raises:
            InjectedError: for an `error`.
            ConnectionDropped: for a `drop`.
        """
        if self.when != phase:
            return
        match self.kind:
            case "delay":
                await asyncio.sleep(self.seconds)
            case "drop":
                raise ConnectionDropped
            case "error":
                raise InjectedError(self.status)


class ConnectionDropped(Exception):
    """The connection must be closed without a response."""


class InjectedError(Exception):
    """The response must be an error with `status`, in the API's own error shape."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


NO_FAULT = Fault(kind="delay", seconds=0)


class FaultQueue:
    """The pending faults in the order of their injection. A restart clears them."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def take(self, method: str, path: str) -> Fault:
        """Return the first fault that matches this request and use it up once."""
        for fault in self.pending:
            if fault.method in (None, method) and path.startswith(fault.path):
                fault.times -= 1
                if fault.times == 0:
                    self.pending.remove(fault)
                return fault
        return NO_FAULT


def control_routes(faults: FaultQueue) -> APIRouter:
    """Return the control API of the faults. Faults never apply to its own requests."""
    router = APIRouter(prefix="/_control/faults")

    @router.post("", status_code=201)
    async def inject(fault: Fault) -> Fault:
        faults.pending.append(fault.model_copy())
        return fault

    @router.get("")
    async def pending() -> list[Fault]:
        return faults.pending

    @router.delete("", status_code=204)
    async def clear() -> None:
        faults.pending.clear()

    return router
