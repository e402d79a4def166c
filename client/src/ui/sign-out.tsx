"use client";

import { call } from "@/api/browser";
import { Trouble } from "./trouble";
import { useAction } from "./use-action";

export function SignOut() {
  const { busy, ready, failure, run } = useAction(async () => {
    const answer = await call("post", "/api/users/signout");
    return answer.ok ? { leaveFor: "/" } : answer;
  });
  return (
    <>
      <button
        type="button"
        className="btn btn-link border-0"
        disabled={!ready || busy}
        aria-busy={busy}
        onClick={() => run()}
      >
        Sign out
      </button>
      {failure && <Trouble failure={failure} />}
    </>
  );
}
