import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { type ApiFailure, hasErrorCode } from "@/api/errors";
import { metadata as notFoundMetadata } from "@/app/not-found";
import { SessionPart } from "@/components/layout/session-part";
import { setDocumentStatus } from "@/lib/page-response";
import { signInUrl } from "@/lib/redirects";
import { ErrorAlert } from "./error-alert";
import { NotFound } from "./not-found";

/** Replaces a page whose data could not be loaded: sign in, "Page not found", or try again. */
export async function LoadFailure({ failure, url }: { failure: ApiFailure; url: string }) {
  if (hasErrorCode(failure, "not_signed_in")) redirect(signInUrl(url));
  if (isNotFound(failure)) return <NotFound />;
  setDocumentStatus(503);
  return (
    <div className="content-medium mx-auto">
      <SessionPart />
      <h1 className="h3">Temporarily unavailable</h1>
      <ErrorAlert failure={failure} />
      <a className="btn btn-primary" href={url}>
        Try again
      </a>
    </div>
  );
}

/** Return the metadata of a page that shows `LoadFailure` if its data could not be loaded. */
export function metadataOf(result: { ok: true } | ApiFailure, metadata: Metadata): Metadata {
  return result.ok || !isNotFound(result) ? metadata : notFoundMetadata;
}

/** A 400 is an id or a cursor that cannot exist. A page of somebody else is not found either. */
function isNotFound(failure: ApiFailure): boolean {
  return failure.status === 400 || hasErrorCode(failure, "not_found", "not_owner");
}
