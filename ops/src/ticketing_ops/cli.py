"""The `ticketing` command line."""

from importlib.metadata import entry_points

import typer

from ticketing_ops import payments
from ticketing_ops.audit.command import audit
from ticketing_ops.backup_commands import backup, restore
from ticketing_ops.errors import Commands
from ticketing_ops.events import commands as events
from ticketing_ops.events import dead_letter_commands as dead_letters
from ticketing_ops.streams import commands as streams

COMMANDS = "ticketing.commands"
"""The entry point group of functions that add another package's commands to `app`."""

app = typer.Typer(
    cls=Commands,
    help="Operate a ticketing system: audit, events, dead letters, streams, payments, backup.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(payments.app, name="payments")
app.add_typer(events.app, name="events")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(streams.app, name="streams")
app.command()(audit)
app.command()(backup)
app.command()(restore)

for _entry_point in entry_points(group=COMMANDS):
    _entry_point.load()(app)
