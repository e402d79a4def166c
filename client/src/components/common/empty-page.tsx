import Link from "next/link";

/** The content of a later page of a list when the list has become shorter. */
export function EmptyPage({ firstPage }: { firstPage: string }) {
  return (
    <p className="my-5 text-center">
      There is nothing on this page any more. <Link href={firstPage}>Go to the first page</Link>
    </p>
  );
}
