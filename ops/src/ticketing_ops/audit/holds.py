"""A ticket is held for the order that has it reserved, and for nobody else."""

from collections.abc import AsyncGenerator

from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.joins import side_by_side
from ticketing_ops.audit.looking import Look
from ticketing_ops.audit.repairs import Resend


async def find(look: Look) -> AsyncGenerator[Finding, None]:
    """Compare tickets with orders' reservations, which stand for the live orders."""
    tickets = look.rows("tickets", "tickets", "order_id")
    reservations = look.rows("orders", "reservations", "order_id")
    async for ticket, sold, reserved in side_by_side(tickets, reservations):
        held_for = str(sold[0].get("order_id") or "") if sold else ""
        holder = str(reserved[0]["order_id"] or "") if reserved else ""
        if reserved and not holder:
            if sold:
                yield Finding(
                    kinds.TICKET_BLOCKED,
                    {"ticket": ticket},
                    f"Ticket {ticket} is there, and orders has buried it",
                    about=ticket,
                )
        elif not sold:
            yield Finding(
                kinds.TICKET_GONE_BUT_ORDERED,
                {"ticket": ticket, "order": holder},
                f"Ticket {ticket} is gone, and order {holder} still has it reserved",
                about=ticket,
                repair=Resend("orders", "TICKET", ticket),
            )
        elif held_for and held_for != holder:
            instead = f"order {holder} has it reserved" if holder else "nobody has it reserved"
            yield Finding(
                kinds.TICKET_HELD_FOR_NOBODY,
                {"ticket": ticket, "order": held_for},
                f"Ticket {ticket} is held for order {held_for}, and {instead}",
                about=ticket,
                repair=Resend("tickets", "ORDER", held_for),
            )
        elif holder and not held_for:
            yield Finding(
                kinds.TICKET_NOT_HELD,
                {"ticket": ticket, "order": holder},
                f"Ticket {ticket} is held for nobody, and order {holder} has it reserved",
                about=ticket,
                repair=Resend("tickets", "ORDER", holder),
            )
