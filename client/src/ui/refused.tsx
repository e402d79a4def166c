import { notFound, redirect } from "next/navigation";
import type { Failure } from "@/api/answer";
import { visitor } from "@/api/server";
import { signInFirst } from "@/going";
import { Trouble } from "./trouble";

/** The page for what the API refused to show: sign in first, not here, or not right now. */
export async function Refused({ failure, at }: { failure: Failure; at: string }) {
  if (failure.status === 401 && !(await visitor())) redirect(signInFirst(at));
  // Somebody else's is as good as not there.
  if ([400, 401, 404].includes(failure.status)) notFound();
  return (
    <div className="medium mx-auto">
      <h1 className="h3">Not right now</h1>
      <Trouble failure={failure} />
      <a className="btn btn-primary" href={at}>
        Try again
      </a>
    </div>
  );
}
