"use client";

import { ActionButton } from "@/components/common/action-button";
import { ErrorAlert } from "@/components/common/error-alert";
import { useAction } from "@/hooks/use-action";
import { useApiFetch } from "@/hooks/use-api-fetch";

type Props = { orderId: string; refresh: () => Promise<void> };

export function CancelOrderButton({ orderId, refresh }: Props) {
  const apiFetch = useApiFetch();
  const { isPending, isReady, failure, run } = useAction(async () => {
    const result = await apiFetch("delete", "/api/orders/{orderId}", { path: { orderId } });
    await refresh();
    return result.ok ? undefined : result;
  });
  return (
    <>
      {failure && <ErrorAlert failure={failure} />}
      <ActionButton
        variant="outline-secondary"
        isPending={isPending}
        isReady={isReady}
        onClick={run}
      >
        Cancel this order
      </ActionButton>
    </>
  );
}
