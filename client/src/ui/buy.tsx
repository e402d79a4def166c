"use client";

import Link from "next/link";
import type { Ticket, User } from "@/api/models";
import { patiently } from "@/api/patiently";
import { signInFirst } from "@/going";
import { Act } from "./act";
import { Money } from "./money";
import { Trouble } from "./trouble";
import { useAction } from "./use-action";
import { useCall } from "./use-call";

type Props = {
  ticket: Ticket;
  user: User | null;
  /** Somebody has just taken it, and it is not known yet whether that was the visitor. */
  isTaken: boolean;
};

/** The way to an order: one button, after one has signed in. */
export function Buy({ ticket, user, isTaken }: Props) {
  const call = useCall();
  const { busy, ready, failure, run } = useAction(async () => {
    const answer = await patiently(() =>
      call("post", "/api/orders", { body: { ticketId: ticket.id } }),
    );
    return answer.ok ? { goTo: `/orders/${answer.data.id}` } : answer;
  });
  const here = `/tickets/${ticket.id}`;
  if (!user) {
    return (
      <div className="vstack gap-2">
        <Link className="btn btn-primary btn-lg" href={signInFirst(here)}>
          Sign in to buy
        </Link>
        <Link className="text-center" href={`/signup?next=${encodeURIComponent(here)}`}>
          New here? Sign up, it takes an e-mail and a password
        </Link>
      </div>
    );
  }
  return (
    <div className="vstack gap-2">
      {failure && <Trouble failure={failure} />}
      <Act look="primary btn-lg" busy={busy || isTaken} ready={ready} onClick={run}>
        Buy for <Money of={ticket.price} />
      </Act>
      <p className="text-body-secondary small text-center mb-0">
        Nobody else can take it while you pay.
      </p>
    </div>
  );
}
