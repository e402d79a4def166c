"""Every request of the JetStream API, sent by every user, and the table of the answered ones."""

from collections import defaultdict
from itertools import groupby

import pytest
from dev.tests.tools.events.nats_users import LISTENERS, STREAMS, USERS, Connect, NatsUser
from nats.aio.msg import Msg

from ticketing_common.messaging.streams import consumers
from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.processes.servers import OPERATOR
from ticketing_testing import eventually

# Source: the subjects in the server's jetstream_api.go and events.go, version 2.15.
OF_ACCOUNT = (
    "INFO",
    "STREAM.NAMES",
    "STREAM.LIST",
    "STREAM.TEMPLATE.NAMES",
    "STREAM.TEMPLATE.LIST",
    "META.LEADER.STEPDOWN",
    "SERVER.REMOVE",
)
OF_STREAM = (
    "STREAM.CREATE",
    "STREAM.UPDATE",
    "STREAM.INFO",
    "STREAM.DELETE",
    "STREAM.PURGE",
    "STREAM.SNAPSHOT",
    "STREAM.RESTORE",
    "STREAM.MSG.GET",
    "STREAM.MSG.DELETE",
    "STREAM.PEER.REMOVE",
    "STREAM.LEADER.STEPDOWN",
    "STREAM.TEMPLATE.CREATE",
    "STREAM.TEMPLATE.INFO",
    "STREAM.TEMPLATE.DELETE",
    "DIRECT.GET",
    "CONSUMER.CREATE",
    "CONSUMER.NAMES",
    "CONSUMER.LIST",
)
OF_CONSUMER = (
    "CONSUMER.CREATE",
    "CONSUMER.DURABLE.CREATE",
    "CONSUMER.INFO",
    "CONSUMER.DELETE",
    "CONSUMER.MSG.NEXT",
    "CONSUMER.PAUSE",
    "CONSUMER.RESET",
    "CONSUMER.UNPIN",
    "CONSUMER.LEADER.STEPDOWN",
)
OF_SERVER = (
    "$JS.API.ACCOUNT.PURGE.BUS",
    "$JS.API.ACCOUNT.STREAM.MOVE.BUS.ORDER",
    "$JS.API.ACCOUNT.STREAM.CANCEL_MOVE.BUS.ORDER",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.SERVER.PING.JSZ",
    "$SYS.REQ.ACCOUNT.BUS.JSZ",
    "$SYS.REQ.CLAIMS.UPDATE",
)
BODIES = {"CONSUMER.MSG.NEXT": b'{"no_wait": true}', "DIRECT.GET": b'{"seq": 1}'}
ACK = "ACK"
DOCUMENT = ROOT / "docs" / "messaging.md"
START, END = "<!-- permissions -->", "<!-- end of permissions -->"


def requests() -> dict[str, tuple[str, str]]:
    """Return every request: by subject its verb, and the stream or the consumer."""
    found = {f"$JS.API.{verb}": (verb, "") for verb in OF_ACCOUNT}
    found |= {subject: (subject, "") for subject in OF_SERVER}
    for stream in STREAMS:
        found |= {f"$JS.API.{verb}.{stream}": (verb, stream) for verb in OF_STREAM}
        found[f"$JS.API.DIRECT.GET.{stream}.user.forgot-password"] = (
            "DIRECT.GET",
            f"{stream} last",
        )
        for service in (*LISTENERS, "other"):
            own = f"{stream}.{service}"
            found |= {f"$JS.API.{verb}.{own}": (verb, own) for verb in OF_CONSUMER}
            found[f"$JS.API.CONSUMER.CREATE.{own}.user.signed-up"] = (
                "CONSUMER.CREATE",
                f"{own} filtered",
            )
            found[f"$JS.ACK.{own}.1.1.1.1.0"] = (ACK, own)
    return found


async def allowed(user: NatsUser) -> set[tuple[str, str]]:
    """Send every request. Return those that were answered, which none may be that was refused."""
    subjects = requests()
    answered: set[str] = set()

    async def on_response(response: Msg) -> None:
        if (response.headers or {}).get("Status") != "503":
            answered.add(response.subject.removeprefix(f"_INBOX.{user.name}.tried."))

    await user.client.subscribe(f"_INBOX.{user.name}.tried.>", cb=on_response)
    for subject, (verb, _) in subjects.items():
        reply = f"_INBOX.{user.name}.tried.{subject}"
        await user.client.publish(subject, BODIES.get(verb, b"{}"), reply=reply)
    await user.client.flush()

    def refused() -> set[str]:
        errors = [error.lower().replace("bus.api", "$js.api") for error in user.errors]
        return {each for each in subjects if any(f'"{each.lower()}"' in error for error in errors)}

    async def all_are_answered_or_refused() -> bool:
        waiting = {each for each in subjects if subjects[each][0] != ACK} - answered - refused()
        assert not waiting, sorted(waiting)[:5]
        return True

    await eventually(all_are_answered_or_refused)
    assert not answered & refused()
    return {subjects[subject] for subject in {*subjects} - refused()}


def rows(user: str, tried: set[tuple[str, str]]) -> list[str]:
    """Return the rows of the table: by user, the requests and their streams or consumers."""
    by_verb: dict[str, list[str]] = defaultdict(list)
    for verb, target in sorted(tried):
        by_verb[verb].append(target)
    found = []
    verbs = sorted(by_verb, key=lambda verb: (by_verb[verb], verb))
    for targets, same in groupby(verbs, by_verb.__getitem__):
        names = ", ".join(f"`{verb}`" for verb in same)
        found.append(f"| `{user}` | {names} | {_summary(targets)} |")
    return found


ALL_CONSUMERS = {
    f"{stream}.{service}" for service, each in LISTENERS.items() for stream in consumers(each)
}


def _summary(targets: list[str]) -> str:
    if {*targets} == {*STREAMS}:
        return "all streams"
    if {target.removesuffix(" filtered") for target in targets} == ALL_CONSUMERS:
        return "all consumers of services"
    return ", ".join(f"`{target}`" for target in targets if target)


@pytest.mark.timeout(300)
async def test_each_user_gets_answers_to_the_requests_of_the_table(
    connect: Connect, operator: NatsUser
) -> None:
    table = ["| user | requests | streams or consumers |", "| --- | --- | --- |"]
    for name in USERS:
        if name != OPERATOR:
            async with connect(name) as user:
                table += rows(name, await allowed(user))
    documented = DOCUMENT.read_text().partition(START)[2].partition(END)[0].strip()
    expected = "\n".join(table)
    assert documented == expected, f"{DOCUMENT} must have between its marks:\n\n{expected}\n"
