"use client";

import { usePathname } from "next/navigation";
import { type Failure, isSignedOut, wordsOf } from "@/api/answer";
import { signInFirst } from "@/going";

/** What went wrong, told once. */
export function Trouble({ failure }: { failure: Failure }) {
  const here = usePathname();
  return (
    <div className="alert alert-danger" role="alert">
      {isSignedOut(failure) ? (
        // A page anew: the header of this one was made for who was signed in.
        <a className="alert-link" href={signInFirst(here)}>
          Please sign in again
        </a>
      ) : (
        wordsOf(failure)
      )}
    </div>
  );
}
