"use client";

import Link from "next/link";
import type { Ticket, User } from "@/api/models";
import { retryWhileNotFound } from "@/api/retry-not-found";
import { ActionButton } from "@/components/common/action-button";
import { ErrorAlert } from "@/components/common/error-alert";
import { Price } from "@/components/common/price";
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
  const { isPending, isReady, failure, run } = useAction(async () => {
    const result = await retryWhileNotFound(() =>
      apiFetch("post", "/api/orders", { body: { ticketId: ticket.id } }),
    );
    return result.ok ? { navigateTo: `/orders/${result.data.id}` } : result;
  });
  const ticketPath = `/tickets/${ticket.id}`;
  if (!user) {
    return (
      <div className="vstack gap-2">
        <Link className="btn btn-primary btn-lg" href={signInUrl(ticketPath)}>
          Sign in to buy
        </Link>
        <Link className="text-center" href={`/signup?next=${encodeURIComponent(ticketPath)}`}>
          New here? Sign up with your email and a password
        </Link>
      </div>
    );
  }
  return (
    <div className="vstack gap-2">
      {failure && <ErrorAlert failure={failure} />}
      <ActionButton
        variant="primary btn-lg"
        isPending={isPending || isJustReserved}
        isReady={isReady}
        onClick={run}
      >
        Buy for <Price amount={ticket.price} />
      </ActionButton>
      <p className="text-body-secondary small text-center mb-0">
        We reserve the ticket for you while you pay.
      </p>
    </div>
  );
}
