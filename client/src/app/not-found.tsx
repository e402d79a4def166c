import type { Metadata } from "next";
import Link from "next/link";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <div className="medium mx-auto">
      <h1 className="h3">There is nothing here</h1>
      <p>The address may be wrong, or what was here has been withdrawn.</p>
      <Link className="btn btn-primary" href="/">
        See what is on sale
      </Link>
    </div>
  );
}
