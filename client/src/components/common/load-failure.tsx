import { notFound, redirect } from "next/navigation";
import { type ApiFailure, hasErrorCode } from "@/api/errors";
import { signInUrl } from "@/lib/redirects";
import { ErrorAlert } from "./error-alert";

/** Replaces a page whose data could not be loaded: sign in, "Page not found", or try again. */
export async function LoadFailure({ failure, url }: { failure: ApiFailure; url: string }) {
  if (hasErrorCode(failure, "not_signed_in")) redirect(signInUrl(url));
  // A 400 is an id or a cursor that cannot exist. A page of somebody else is not found either.
  if (failure.status === 400 || hasErrorCode(failure, "not_found", "not_owner")) notFound();
  return (
    <div className="content-medium mx-auto">
      <h1 className="h3">Temporarily unavailable</h1>
      <ErrorAlert failure={failure} />
      <a className="btn btn-primary" href={url}>
        Try again
      </a>
    </div>
  );
}
