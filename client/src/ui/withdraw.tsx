"use client";

import { ActTwice } from "./act-twice";
import { Trouble } from "./trouble";
import { useAction } from "./use-action";
import { useCall } from "./use-call";

export function Withdraw({ ticketId }: { ticketId: string }) {
  const call = useCall();
  const action = useAction(async () => {
    const answer = await call("delete", "/api/tickets/{ticketId}", { path: { ticketId } });
    return answer.ok ? { goTo: "/tickets/mine" } : answer;
  });
  return (
    <>
      <ActTwice action={action} first="Delete" second="Yes, delete it" />
      {action.failure && <Trouble failure={action.failure} />}
    </>
  );
}
