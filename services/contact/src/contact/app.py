"""contact: mails to buyers and sellers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from contact.handlers import listeners
from contact.models import Mail, Order, Recipient, Ticket
from contact.sender import Sender
from contact.sendgrid_client import SendGrid
from contact.settings import ContactSettings
from ticketing_common.service import create_service


def create_app(settings: ContactSettings | None = None) -> FastAPI:
    settings = settings or ContactSettings.read("contact")

    @asynccontextmanager
    async def background_work(_: FastAPI) -> AsyncIterator[None]:
        sendgrid = SendGrid(
            settings.sendgrid_key.get_secret_value(),
            settings.sendgrid_email,
            settings.sendgrid_api_base,
        )
        sender = Sender(sendgrid, settings.public_url, settings.currency)
        sending = asyncio.create_task(sender.run())
        try:
            yield
        finally:
            sender.stop()
            await asyncio.wait([sending])
            sendgrid.close()

    return create_service(
        "contact",
        settings,
        listeners=listeners,
        description="Mails to buyers and sellers.",
        documents=[Mail, Order, Recipient, Ticket],
        background_work=background_work,
    )
