"""`python -m ticketing_ops`: the `ticketing` command line where the package is not installed."""

from ticketing_ops.cli import app

app(prog_name="ticketing")
