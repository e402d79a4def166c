"""contact: sends mails to buyers and sellers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from contact.handlers import listeners
from contact.models import Mail, Order, Recipient, Ticket
from contact.sender import MailSender
from contact.sendgrid_client import SendGridClient
from contact.settings import ContactSettings
from ticketing_common.service import create_service


def create_app(settings: ContactSettings | None = None) -> FastAPI:
    """Create the application. Without settings, read them from the environment."""
    settings = settings or ContactSettings.read("contact")

    @asynccontextmanager
    async def background_work(_: FastAPI) -> AsyncIterator[None]:
        sendgrid = SendGridClient(
            settings.sendgrid_key.get_secret_value(),
            settings.sendgrid_email,
            settings.sendgrid_api_base,
        )
        sender = MailSender(sendgrid, settings.public_url, settings.currency)
        # Not cancelled but stopped: a mail whose sending is interrupted would be sent twice.
        task = asyncio.create_task(sender.run())
        try:
            yield
        finally:
            sender.stop()
            await asyncio.wait([task])
            sendgrid.close()

    return create_service(
        "contact",
        settings,
        listeners=listeners,
        description="Mails to buyers and sellers.",
        documents=[Mail, Order, Recipient, Ticket],
        prices={"tickets": "price", "orders": "price"},
        background_work=background_work,
    )
