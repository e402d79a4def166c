"""A stand-in for SendGrid's mail API: what was sent lies in a mailbox to be looked at."""

from ticketing_dev.standins.sendgrid.app import app, create_app

__all__ = ["app", "create_app"]
