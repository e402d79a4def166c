"use client";

import { ConfirmButton } from "@/components/common/confirm-button";
import { ErrorAlert } from "@/components/common/error-alert";
import { useAction } from "@/hooks/use-action";
import { useApiFetch } from "@/hooks/use-api-fetch";

export function DeleteTicketButton({ ticketId }: { ticketId: string }) {
  const apiFetch = useApiFetch();
  const action = useAction(async () => {
    const result = await apiFetch("delete", "/api/tickets/{ticketId}", { path: { ticketId } });
    return result.ok ? { navigateTo: "/tickets/mine" } : result;
  });
  return (
    <>
      <ConfirmButton
        action={action}
        label="Delete"
        variant="outline-danger"
        question="Delete this ticket?"
        keepLabel="Keep ticket"
        confirmLabel="Delete ticket"
      >
        Nobody can buy it any more. To sell it later, list it again.
      </ConfirmButton>
      {action.failure && <ErrorAlert failure={action.failure} />}
    </>
  );
}
