import type { Metadata } from "next";
import Link from "next/link";

export const metadata: Metadata = { title: "Page not found" };

export default function NotFoundPage() {
  return (
    <div className="content-medium mx-auto">
      <h1 className="h3">Page not found</h1>
      <p>The address may be wrong, or the ticket is no longer for sale.</p>
      <Link className="btn btn-primary" href="/">
        Browse tickets
      </Link>
    </div>
  );
}
