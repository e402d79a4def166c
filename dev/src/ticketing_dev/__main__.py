"""`python -m ticketing_dev` is `ticketing`."""

from ticketing_dev.cli import app

if __name__ == "__main__":
    app()
