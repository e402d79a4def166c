import { LocalTime } from "@/components/common/local-time";
import { createdAt, formatTimeAgo } from "@/lib/format";
import type { ListedTicket } from "@/live/use-live-tickets";

type Props = { ticket: ListedTicket; now: number };

/** Whether a ticket is sold, reserved or deleted. One that is for sale shows when it was listed. */
export function TicketState({ ticket, now }: Props) {
  if (ticket.soldAt) {
    return (
      <>
        Sold on <LocalTime at={ticket.soldAt} now={now} show="date" />
      </>
    );
  }
  if (ticket.orderId) return <ReservedUntil ticket={ticket} now={now} />;
  if (ticket.unavailable === "deleted") return "No longer for sale";
  return formatTimeAgo(createdAt(ticket.id), now);
}

/** When the reservation ends. A payment that began in time can hold the ticket a little longer. */
export function ReservedUntil({ ticket: { reservedUntil }, now }: Props) {
  if (!reservedUntil || Date.parse(reservedUntil) < now) return "Reserved";
  return (
    <>
      Reserved until <LocalTime at={reservedUntil} now={now} show="time" />
    </>
  );
}
