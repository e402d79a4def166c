"use client";

import type { FormEvent, ReactNode } from "react";
import type { Failure } from "@/api/answer";
import { Act } from "../act";
import { Money } from "../money";
import { Trouble } from "../trouble";
import { type Outcome, useAction } from "../use-action";
import { useCall } from "../use-call";
import type { PayProps } from "./pay";
import { type Confirm, goOnWith, payWith } from "./paying";

type Props = PayProps & {
  /** The token of the card that was given, or why there is none. */
  token: (typed: FormData) => Promise<string | Failure>;
  confirm: Confirm;
  children: ReactNode;
};

/** What every way to pay has in common: its button, what the bank said, and the way back to it. */
export function PayForm({ order, last, isConfirming, look, token, confirm, children }: Props) {
  const call = useCall();
  const paying = useAction(async (typed: FormData): Promise<Outcome> => {
    const given = await token(typed);
    return typeof given === "string" ? payWith(call, order.id, given, confirm, look) : given;
  });
  const confirming = useAction(async () =>
    last ? goOnWith(call, last.id, confirm, look) : undefined,
  );
  const busy = paying.busy || confirming.busy;
  const failure = paying.failure ?? confirming.failure ?? (busy ? undefined : declined(last));

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    paying.run(new FormData(event.currentTarget));
  }

  return (
    <form method="post" onSubmit={submit} className="vstack gap-3">
      {failure && <Trouble failure={failure} />}
      {isConfirming && (
        <>
          <Act
            busy={confirming.busy}
            ready={confirming.ready && !paying.busy}
            onClick={confirming.run}
          >
            Continue to your bank
          </Act>
          <p className="text-body-secondary mb-0">Or pay with another card instead:</p>
        </>
      )}
      {children}
      <Act
        look={isConfirming ? "outline-primary" : "primary btn-lg"}
        busy={paying.busy}
        ready={paying.ready && !confirming.busy}
      >
        Pay <Money of={order.ticket.price} />
      </Act>
    </form>
  );
}

/** What the bank said to the last try: told also to who comes back to the page later. */
function declined(last: PayProps["last"]): Failure | undefined {
  if (last?.status !== "failed" || !last.message) return undefined;
  return { ok: false, status: 402, errors: [{ message: last.message }] };
}
