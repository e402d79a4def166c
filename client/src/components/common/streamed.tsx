import { type ReactElement, type ReactNode, Suspense } from "react";
import { hasSession } from "@/api/server";

/** How long a page waits for its data before it is sent without them. */
const GRACE_MS = 150;

type Props = {
  content: Promise<ReactElement>;
  /** Shown until the content is there. */
  fallback?: ReactNode;
};

/**
 * Show content that waits for data. If they take long, the rest of the page is sent before them.
 *
 * Content that is ready in time is part of the document: it can set the status, and needs no
 * JavaScript. The pages of visitors always wait, because they are sent to many.
 */
export async function Streamed({ content, fallback = <Loading /> }: Props) {
  if (!(await hasSession())) return content;
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, GRACE_MS));
  const isLate = !(await Promise.race([content, late]));
  return isLate ? <Suspense fallback={fallback}>{content}</Suspense> : content;
}

/** As high as the window, so that the footer does not move when the content arrives. */
function Loading() {
  return (
    <div className="loading text-center" role="status">
      <span className="spinner-border" aria-hidden="true" />
      <span className="visually-hidden">Loading</span>
      <noscript>
        <meta httpEquiv="refresh" content="1" />
      </noscript>
    </div>
  );
}
