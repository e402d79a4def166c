"""A stand-in for Stripe's API: payments behave as documented and move no money."""

from ticketing_dev.standins.stripe.app import app, create_app

__all__ = ["app", "create_app"]
