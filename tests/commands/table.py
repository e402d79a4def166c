"""docs/commands.md: the MongoDB commands of each request, each event handler, and one order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tests.commands.recording import Command, Record, Unit
from tests.commands.scenario import Measurement

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT

DOCUMENT = ROOT / "docs" / "commands.md"
HANDLED = "handled"

HEADER = """\
# MongoDB commands

All commands of each request, of each event handler, and of one order, as measured on the six
services. The page is generated. A test fails when a request, a handler or an order costs more
commands, or others:

```sh
python -m tests.commands     # writes this page
pytest tests/commands        # compares it
```

Commands in brackets are one transaction. `insert outbox (order.created)` adds that event to the
outbox; the relay publishes it after the commit. The figures are those of a warm service, without
retries after a conflict. Sweeps and polls of an idle service do not count.
"""


def render(measurement: Measurement) -> str:
    """Return the page."""
    sections = [HEADER, "## Orders\n", *_order_sections(measurement), "## Requests\n"]
    for service in SERVICE_NAMES:
        rows = _rows(measurement.records[service], is_request=True)
        if rows:
            sections.append(_table(f"### {service.capitalize()}\n", ["request", "status"], rows))
    sections.append("## Event handlers\n")
    for service in SERVICE_NAMES:
        rows = [(label, *rest) for label, _, *rest in _rows(measurement.records[service])]
        if rows:
            sections.append(_table(f"### {service.capitalize()}\n", ["event"], rows))
    return "\n".join(sections)


def labels_of(measurement: Measurement, service: str) -> set[str]:
    """Return the requests and the events of the service that the page has."""
    units = [unit for record in measurement.records[service] for unit in record.units]
    return {unit.label.partition("?")[0] for unit in units if _is_counted(unit)}


def _is_counted(unit: Unit) -> bool:
    is_probe = unit.label in {"GET /healthz", "GET /readyz", "GET /metrics"}
    is_done = unit.outcome == HANDLED or unit.outcome.isdecimal()
    return bool(unit.label) and is_done and not unit.has_conflict and not is_probe


def _rows(records: Iterable[Record], *, is_request: bool = False) -> list[tuple[str, ...]]:
    """Return the costliest commands of each request or event: a shorter way is luck in a race."""
    costliest: dict[tuple[str, str], Unit] = {}
    for unit in (unit for record in records for unit in record.units):
        if not _is_counted(unit) or (unit.outcome != HANDLED) != is_request:
            continue
        key = (unit.label, unit.outcome)
        known = costliest.get(key)
        if known is None or _cost(unit) > _cost(known):
            costliest[key] = unit
    return [
        (f"`{label}`", outcome, str(len(unit.commands)), str(unit))
        for (label, outcome), unit in sorted(costliest.items())
    ]


def _cost(unit: Unit) -> tuple[int, str]:
    return len(unit.commands), str(unit)


def _order_sections(measurement: Measurement) -> Iterator[str]:
    yield (
        "From the request until every event is handled, every outbox is empty and every mail is\n"
        "sent, with the background work that it causes: publishing events and sending mails.\n"
    )
    idle = measurement.idle
    yield _system_table("### An order that is placed\n", measurement.orders, idle)
    yield _system_table("### The payment of an order\n", measurement.purchases, idle)


def order_commands(measurement: Measurement) -> dict[str, int]:
    """Return the number of commands of one order, by service."""
    return {
        service: len(_cheapest(measurement.orders, service, measurement.idle[service]))
        for service in SERVICE_NAMES
    }


def _system_table(
    title: str, steps: list[dict[str, Record]], idle: defaultdict[str, set[Command]]
) -> str:
    rows = []
    total = 0
    for service in SERVICE_NAMES:
        commands = _cheapest(steps, service, idle[service])
        total += len(commands)
        events = Counter(steps[0][service].published)
        rows.append(
            (
                service,
                str(len(commands)),
                ", ".join(_with_count(Counter(map(str, commands)))),
                ", ".join(_with_count(events)),
            )
        )
    rows.append(("**all**", f"**{total}**", "", ""))
    return _table(title, ["service"], rows, "published events")


def _with_count(counter: Counter[str]) -> list[str]:
    return [f"{name} x {count}" if count > 1 else name for name, count in sorted(counter.items())]


def _cheapest(steps: list[dict[str, Record]], service: str, idle: set[Command]) -> list[Command]:
    """Return the commands of the cheapest step: in others a sweep or a retry came in between."""
    return min((_commands(step[service], idle) for step in steps), key=len)


def _commands(record: Record, idle: set[Command]) -> list[Command]:
    units = [command for unit in record.units if unit.label for command in unit.commands]
    background = [command for command in record.background if command not in idle]
    # The relay deletes rows in batches: whether two events share one depends on the time of each.
    shared = [command for command in background if str(command) == "delete outbox"]
    return [*units, *(command for command in background if command not in shared), *shared[:1]]


def _table(title: str, names: list[str], rows: Iterable[tuple[str, ...]], *more: str) -> str:
    head = [*names, "number", "commands", *more]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([title, *lines, ""])
