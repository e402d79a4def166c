"""The pages of the Stripe stand-in."""

from pathlib import Path

from ticketing_dev.standins.base.pages import Pages

PAGES = Pages(Path(__file__).parent / "templates")
