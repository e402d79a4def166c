"""A stand-in for SendGrid's mail API: stores each mail in a mailbox and sends none."""

from ticketing_dev.standins.sendgrid.app import app, create_app

__all__ = ["app", "create_app"]
