"""Bad days on demand: the next requests fail, hang, or lose their answer."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

Moment = Literal["before", "during", "after"]


class Fault(BaseModel):
    """What is to go wrong with the next requests that match.

    `before`: nothing has happened yet. `after`: the effect is on the disk, only the answer suffers.
    `during`: the effect is undone, and the failure is what Stripe saves under the idempotency key.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["error", "drop", "delay"]
    when: Moment = "before"
    status: int = Field(500, ge=400, le=599, description="the answer of an `error`")
    seconds: float = Field(1, ge=0, le=600, description="the length of a `delay`")
    times: int = Field(1, ge=1, description="how many requests it strikes")
    method: str | None = Field(None, description="only this method, e.g. POST")
    path: str = Field("/", description="only paths that begin so, e.g. /v1/refunds")

    async def strike(self, moment: Moment) -> None:
        """Do the damage if this is its moment.

        Raises InjectedError for an `error`, Dropped for a `drop`.
        """
        if self.when != moment:
            return
        match self.kind:
            case "delay":
                await asyncio.sleep(self.seconds)
            case "drop":
                raise Dropped
            case "error":
                raise InjectedError(self.status)


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class InjectedError(Exception):
    """The request is to be answered with `status`, in the stand-in's own error shape."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


NO_FAULT = Fault(kind="delay", seconds=0)


class Faults:
    """The faults still to come, first in, first to strike. A restart forgets them."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, method: str, path: str) -> Fault:
        """The fault meant for this request, used up by one."""
        for fault in self.waiting:
            if fault.method in (None, method) and path.startswith(fault.path):
                fault.times -= 1
                if fault.times == 0:
                    self.waiting.remove(fault)
                return fault
        return NO_FAULT


def control(faults: Faults) -> APIRouter:
    """The routes by which tests and people order faults. They are never struck themselves."""
    router = APIRouter(prefix="/_control/faults")

    @router.post("", status_code=201)
    async def order(fault: Fault) -> Fault:
        faults.waiting.append(fault.model_copy())
        return fault

    @router.get("")
    async def waiting() -> list[Fault]:
        return faults.waiting

    @router.delete("", status_code=204)
    async def forget() -> None:
        faults.waiting.clear()

    return router
