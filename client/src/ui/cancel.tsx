"use client";

import { Act } from "./act";
import { Trouble } from "./trouble";
import { useAction } from "./use-action";
import { useCall } from "./use-call";

export function Cancel({ orderId, look }: { orderId: string; look: () => Promise<void> }) {
  const call = useCall();
  const { busy, ready, failure, run } = useAction(async () => {
    const answer = await call("delete", "/api/orders/{orderId}", { path: { orderId } });
    await look();
    return answer.ok ? undefined : answer;
  });
  return (
    <>
      {failure && <Trouble failure={failure} />}
      <Act look="outline-secondary" busy={busy} ready={ready} onClick={run}>
        Cancel this order
      </Act>
    </>
  );
}
