"use client";

import Link from "next/link";
import { useState } from "react";
import type { ApiFetch } from "@/api/api-fetch";
import type { ApiFailure } from "@/api/errors";
import type { Order, Ticket, User } from "@/api/models";
import { retryWhileNotFound } from "@/api/retry-not-found";
import { ActionButton } from "@/components/common/action-button";
import { ErrorAlert } from "@/components/common/error-alert";
import { Price } from "@/components/common/price";
import { UserText } from "@/components/common/user-text";
import { useAction } from "@/hooks/use-action";
import { useApiFetch } from "@/hooks/use-api-fetch";
import { signInUrl } from "@/lib/redirects";

type Props = {
  ticket: Ticket;
  user: User | null;
  /** The ticket was just reserved, and it is not known yet whether by this user. */
  isJustReserved: boolean;
};

/** The button that orders a ticket, or the links to sign in first. */
export function BuyButton({ ticket, user, isJustReserved }: Props) {
  const apiFetch = useApiFetch();
  const [changed, setChanged] = useState<Order["ticket"]>();
  // The stream can be slower than the answer to an order.
  const shown = (changed?.version ?? -1) > ticket.version ? { ...ticket, ...changed } : ticket;
  const { isPending, isReady, failure, run } = useAction(async () => {
    const result = await placeOrder(apiFetch, shown as Ticket);
    return result.ok ? { navigateTo: `/orders/${result.data.id}` } : result;
  });
  const refused = failure && ticketOf(failure);
  if (refused && refused !== changed) setChanged(refused);
  const ticketPath = `/tickets/${ticket.id}`;
  if (!user) {
    return (
      <div className="vstack gap-2">
        <Link className="btn btn-primary btn-lg" href={signInUrl(ticketPath)}>
          Sign in to buy
        </Link>
        <Link className="text-center" href={`/signup?next=${encodeURIComponent(ticketPath)}`}>
          New here? Sign up
        </Link>
      </div>
    );
  }
  return (
    <div className="vstack gap-2">
      {refused ? (
        <div className="alert alert-warning" role="alert">
          The seller has changed this ticket: it is now{" "}
          <strong>
            <UserText>{shown.title}</UserText>
          </strong>{" "}
          for <Price amount={shown.price} />. You have not ordered it yet.
        </div>
      ) : (
        failure && <ErrorAlert failure={failure} />
      )}
      <ActionButton
        variant="primary btn-lg"
        isPending={isPending || isJustReserved}
        isReady={isReady}
        onClick={run}
      >
        Buy for <Price amount={shown.price} />
      </ActionButton>
      <p className="text-body-secondary small text-center mb-0">
        We reserve the ticket for you while you pay.
      </p>
    </div>
  );
}

/** Order a ticket as it is shown. It is refused if it has another title or price meanwhile. */
async function placeOrder(apiFetch: ApiFetch, shown: Ticket) {
  const order = (version: number) =>
    retryWhileNotFound(() =>
      apiFetch("post", "/api/orders", {
        body: { ticketId: shown.id, ticketVersions: { [shown.id]: version } },
      }),
    );
  const result = await order(shown.version);
  const current = result.ok ? undefined : ticketOf(result);
  // A version from long ago is refused even if nothing has changed.
  const isSame = current?.title === shown.title && current.price === shown.price;
  return isSame && current.version != null ? order(current.version) : result;
}

/** Return the ticket as it is now, if the order was refused because of a change. */
function ticketOf(failure: ApiFailure): Order["ticket"] | undefined {
  return failure.errors[0]?.ticket;
}
