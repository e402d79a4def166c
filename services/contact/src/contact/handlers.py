"""What contact does when it hears an event: it writes to somebody."""

from typing import Any

from beanie import PydanticObjectId

from contact.models import Mail, Order, Recipient, Ticket, known
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
)
from ticketing_common.messaging.listeners import Listeners, is_replay

listeners = Listeners("contact")


@listeners.on(UserSignedUp)
async def welcome(event: UserSignedUp) -> None:
    """Greet somebody new, and remember where to write to."""
    await Recipient(id=PydanticObjectId(event.id), email=event.email).insert()
    await _write_to(event.id, "welcome")


@listeners.on(UserSignedIn)
async def tell_of_sign_in(event: UserSignedIn) -> None:
    """Let somebody notice a sign-in that was not theirs."""
    await _write_to(event.id, "signed_in")


@listeners.on(UserForgotPassword)
async def send_reset_link(event: UserForgotPassword) -> None:
    """Send the link that lets somebody choose a new password."""
    mail = await _mail_to(event.id, "reset_password")
    mail.secret = event.token.value.get_secret_value()
    mail.useless_after = event.token.expires_at
    await _queue(mail)


@listeners.on(UserChangedPassword)
async def tell_of_new_password(event: UserChangedPassword) -> None:
    """Let somebody notice a new password that was not theirs."""
    await _write_to(event.id, "password_changed")


@listeners.on(TicketCreated, copy=Ticket)
async def confirm_offer(event: TicketCreated) -> None:
    """Tell the seller that the ticket is for sale."""
    await Ticket(
        id=PydanticObjectId(event.id),
        title=event.title,
        price=event.price,
        user_id=event.user_id,
    ).insert()
    await _write_to(event.user_id, "ticket_listed", title=event.title, price=event.price)


@listeners.on(TicketUpdated, copy=Ticket)
async def confirm_change(event: TicketUpdated, ticket: Ticket) -> None:
    """Tell the seller what the ticket is now. That somebody holds it is no news yet."""
    if (event.title, event.price) != (ticket.title, ticket.price):
        ticket.title, ticket.price = event.title, event.price
        await ticket.save()
        await _write_to(ticket.user_id, "ticket_changed", title=event.title, price=event.price)
    else:
        await ticket.next_version()


@listeners.on(TicketDeleted, copy=Ticket)
async def confirm_withdrawal(event: TicketDeleted, ticket: Ticket) -> None:
    """Tell the seller that the ticket is for sale no more."""
    await ticket.next_version()
    await _write_to(ticket.user_id, "ticket_withdrawn", title=ticket.title)


@listeners.on(OrderCreated)
async def ask_for_payment(event: OrderCreated) -> None:
    """Tell the buyer that the ticket is held, and until when."""
    ordered = event.ticket
    await Order(
        id=PydanticObjectId(event.id),
        user_id=event.user_id,
        title=ordered.title,
        price=ordered.price,
    ).insert()
    await _write_to(
        event.user_id,
        "ticket_held",
        title=ordered.title,
        price=ordered.price,
        until=event.expires_at.strftime("%H:%M:%S UTC"),
        order_id=event.id,
    )


@listeners.on(OrderCancelled)
async def tell_of_cancellation(event: OrderCancelled) -> None:
    """Tell the buyer that the ticket is held no more, and why."""
    order = await known(Order, event.id)
    await _write_to(event.user_id, "order_cancelled", title=order.title, reason=event.reason.value)


@listeners.on(OrderCompleted)
async def hand_over(event: OrderCompleted) -> None:
    """Tell the buyer that the ticket is theirs, and the seller that it is sold."""
    ticket, order = await known(Ticket, event.ticket.id), await known(Order, event.id)
    await _write_to(event.user_id, "ticket_bought", title=order.title, order_id=event.id)
    await _write_to(ticket.user_id, "ticket_sold", title=order.title, price=order.price)


@listeners.on(PaymentCreated)
async def send_receipt(event: PaymentCreated) -> None:
    """Tell the buyer what was paid."""
    order = await known(Order, event.order_id)
    await _write_to(
        order.user_id,
        "receipt",
        title=order.title,
        price=order.price,
        order_id=event.order_id,
        stripe_id=event.stripe_id,
    )


@listeners.on(PaymentRefunded)
async def tell_of_refund(event: PaymentRefunded) -> None:
    """Tell the buyer that the money is on its way back, and why."""
    order = await known(Order, event.order_id)
    await _write_to(
        order.user_id, "refund", title=order.title, price=order.price, reason=event.reason
    )


async def _write_to(user_id: str, template: str, **facts: Any) -> None:
    await _queue(await _mail_to(user_id, template, **facts))


async def _queue(mail: Mail) -> None:
    """Have it sent, unless it was before we lost the log of it."""
    if not is_replay():
        await mail.insert()


async def _mail_to(user_id: str, template: str, **facts: Any) -> Mail:
    recipient = await known(Recipient, user_id)
    if "price" in facts:
        facts["price"] = f"{facts['price']:.2f}"
    return Mail(template=template, user_id=user_id, to=recipient.email, facts=facts)
