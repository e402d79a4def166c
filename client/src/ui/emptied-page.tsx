import Link from "next/link";

/** In place of a page in the midst of a list, when all that was on it has gone. */
export function EmptiedPage({ first }: { first: string }) {
  return (
    <p className="my-5 text-center">
      Nothing is left on this page. <Link href={first}>See the first one</Link>
    </p>
  );
}
