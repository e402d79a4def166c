"use client";

import { ConfirmButton } from "@/components/common/confirm-button";
import { ErrorAlert } from "@/components/common/error-alert";
import { useAction } from "@/hooks/use-action";
import { useApiFetch } from "@/hooks/use-api-fetch";

type Props = { orderId: string; refresh: () => Promise<void> };

export function CancelOrderButton({ orderId, refresh }: Props) {
  const apiFetch = useApiFetch();
  const action = useAction(async () => {
    const result = await apiFetch("delete", "/api/orders/{orderId}", { path: { orderId } });
    await refresh();
    return result.ok ? undefined : result;
  });
  return (
    <>
      {action.failure && <ErrorAlert failure={action.failure} />}
      <ConfirmButton
        action={action}
        label="Cancel order"
        variant="outline-secondary"
        question="Cancel this order?"
        keepLabel="Keep order"
        confirmLabel="Cancel order"
      >
        The ticket is for sale again at once, and somebody else can buy it.
      </ConfirmButton>
    </>
  );
}
