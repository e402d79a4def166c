"use client";

import { apiFetch } from "@/api/browser";
import { ErrorAlert } from "@/components/common/error-alert";
import { useAction } from "@/hooks/use-action";

export function SignOutButton() {
  const { isPending, isReady, failure, run } = useAction(async () => {
    const result = await apiFetch("post", "/api/users/signout");
    return result.ok ? { loadPage: "/", newUserId: null } : result;
  });
  return (
    <>
      <button
        type="button"
        className="btn btn-link border-0"
        disabled={!isReady}
        aria-disabled={isPending}
        aria-busy={isPending}
        onClick={() => run()}
      >
        Sign out
      </button>
      {failure && <ErrorAlert failure={failure} />}
    </>
  );
}
