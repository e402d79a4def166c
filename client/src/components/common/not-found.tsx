import { notFound } from "next/navigation";
import NotFoundPage from "@/app/not-found";
import { setDocumentStatus } from "@/lib/page-response";

/** Replaces a page that does not exist. Unlike `notFound` alone, it can be read without JavaScript. */
export function NotFound() {
  if (!setDocumentStatus(404)) notFound();
  return <NotFoundPage />;
}
