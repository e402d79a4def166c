"""Event handlers of contact: each queues the mails about its event."""

from typing import Any

from beanie import PydanticObjectId

from contact.models import Mail, Order, Recipient, Ticket, load
from contact.outgoing import insert_and_send
from ticketing_common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    PaymentCreated,
    PaymentRefunded,
    TicketCreated,
    TicketDeleted,
    TicketUpdated,
    UserChangedPassword,
    UserForgotPassword,
    UserSignedIn,
    UserSignedUp,
    utc_now,
)
from ticketing_common.messaging.listeners import Listeners, is_replay
from ticketing_common.money import format_price
from ticketing_common.persistence.proof import Proof

listeners = Listeners("contact")


@listeners.on(UserSignedUp, proof=Proof(Recipient))
async def send_welcome(event: UserSignedUp) -> None:
    """Store the address of the new user and send a welcome mail."""
    recipient = Recipient(id=PydanticObjectId(event.id), email=event.email)
    await recipient.insert()
    await _queue(Mail(template="welcome", user_id=event.id, to=recipient.email, variables={}))


@listeners.on(UserSignedIn)
async def send_sign_in_notice(event: UserSignedIn) -> None:
    """Notify the user of a sign-in, which could be somebody else's."""
    await _queue_mail(event.id, "new_sign_in")


@listeners.on(UserForgotPassword)
async def send_reset_link(event: UserForgotPassword) -> None:
    """Send the link to set a new password."""
    mail = await _create_mail(event.id, "reset_password")
    mail.secret = event.token.value.get_secret_value()
    mail.expires_at = event.token.expires_at
    await _queue(mail)


@listeners.on(UserChangedPassword)
async def send_password_change_notice(event: UserChangedPassword) -> None:
    """Notify the user of the new password, which somebody else could have set."""
    await _queue_mail(event.id, "password_changed")


@listeners.on(TicketCreated, copy=Ticket)
async def confirm_new_ticket(event: TicketCreated) -> None:
    """Insert the copy of the ticket and confirm to the seller that it is for sale."""
    await Ticket(
        id=PydanticObjectId(event.id),
        title=event.title,
        price=event.price,
        user_id=event.user_id,
    ).insert()
    await _queue_mail(event.user_id, "ticket_listed", title=event.title, price=event.price)


def _fields_of_reservation(event: TicketUpdated) -> dict[str, Any] | None:
    """Return the fields of an event that reserves the ticket, which its seller did not change."""
    if event.order_id is None:
        return None
    return {"title": event.title, "price": event.price, "reserved": True}


@listeners.on(TicketUpdated, copy=Ticket, fields=_fields_of_reservation)
async def confirm_ticket_update(event: TicketUpdated, ticket: Ticket) -> None:
    """Update the copy of the ticket and confirm a new title or price to the seller.

    Reservations and their ends send no mail: a change that applies at the end was confirmed before.
    """
    is_change = not ticket.reserved and (event.title, event.price) != (ticket.title, ticket.price)
    ticket.title, ticket.price, ticket.reserved = event.title, event.price, False
    await ticket.save()
    if not is_change:
        return
    await _queue_mail(ticket.user_id, "ticket_updated", title=event.title, price=event.price)


@listeners.on(TicketDeleted, copy=Ticket)
async def confirm_ticket_deletion(event: TicketDeleted, ticket: Ticket) -> None:
    """Confirm to the seller that the ticket is deleted. The copy stays for later mails."""
    await ticket.next_version()
    await _queue_mail(ticket.user_id, "ticket_deleted", title=ticket.title)


@listeners.on(OrderCreated, proof=Proof(Order))
async def send_payment_request(event: OrderCreated) -> None:
    """Ask the buyer to pay before the order expires."""
    ticket = event.ticket
    await Order(
        id=PydanticObjectId(event.id),
        user_id=event.user_id,
        title=ticket.title,
        price=ticket.price,
    ).insert()
    mail = await _create_mail(
        event.user_id,
        "ticket_reserved",
        title=ticket.title,
        price=ticket.price,
        expires_at=f"{event.expires_at:%H:%M} UTC",  # the time zone of the buyer is unknown
        order_id=event.id,
    )
    mail.expires_at = event.expires_at
    await _queue(mail)


@listeners.on(OrderCancelled)
async def send_cancellation(event: OrderCancelled) -> None:
    """Notify the buyer that the order is cancelled, with the reason."""
    order = await load(Order, event.id)
    await _queue_mail(
        event.user_id, "order_cancelled", title=order.title, reason=event.reason.value
    )


@listeners.on(OrderCompleted)
async def confirm_sale(event: OrderCompleted) -> None:
    """Confirm the sale to the buyer and to the seller."""
    ticket, order = await load(Ticket, event.ticket.id), await load(Order, event.id)
    await _queue_mail(event.user_id, "ticket_bought", title=order.title, order_id=event.id)
    await _queue_mail(ticket.user_id, "ticket_sold", title=order.title, price=order.price)


@listeners.on(PaymentCreated)
async def send_receipt(event: PaymentCreated) -> None:
    """Send the buyer a receipt."""
    order, now = await load(Order, event.order_id), utc_now()
    await _queue_mail(
        order.user_id,
        "receipt",
        title=order.title,
        price=order.price,
        order_id=event.order_id,
        paid_on=f"{now.day} {now:%B %Y}",
    )


@listeners.on(PaymentRefunded)
async def send_refund_notice(event: PaymentRefunded) -> None:
    """Notify the buyer of the refund, with the reason."""
    order = await load(Order, event.order_id)
    await _queue_mail(
        order.user_id, "refund", title=order.title, price=order.price, reason=event.reason
    )


async def _queue_mail(user_id: str, template: str, **variables: Any) -> None:
    await _queue(await _create_mail(user_id, template, **variables))


async def _queue(mail: Mail) -> None:
    """Queue a mail, except in a replay: it was sent before contact lost its data."""
    if not is_replay():
        await insert_and_send(mail)


async def _create_mail(user_id: str, template: str, **variables: Any) -> Mail:
    recipient = await load(Recipient, user_id)
    if "price" in variables:
        variables["price"] = format_price(variables["price"])
    return Mail(template=template, user_id=user_id, to=recipient.email, variables=variables)
