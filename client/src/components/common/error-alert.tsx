"use client";

import { usePathname } from "next/navigation";
import { type ApiFailure, errorText, hasErrorCode } from "@/api/errors";
import { signInUrl } from "@/lib/redirects";

/** The messages of a failed request, or a link to sign in if the session has ended. */
export function ErrorAlert({ failure }: { failure: ApiFailure }) {
  const path = usePathname();
  return (
    <div className="alert alert-danger" role="alert">
      {hasErrorCode(failure, "not_signed_in") ? (
        // A full page load, because the header still shows the user of the ended session.
        <a className="alert-link" href={signInUrl(path)}>
          Please sign in again
        </a>
      ) : (
        errorText(failure)
      )}
    </div>
  );
}
