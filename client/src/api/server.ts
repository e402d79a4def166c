import { cookies, headers } from "next/headers";
import { cache } from "react";
import { caller } from "./call";

/** Calls the API while a page is rendered, as the visitor whose request it is. */
export const call = caller({
  base: process.env.API_URL ?? "http://localhost:8080",
  // Longer than a service takes to give up: it then says so itself.
  patience: 12_000,
  headers: async () => {
    const asked = await headers();
    const passedOn = ["x-request-id", "host"].flatMap((name) => {
      const value = asked.get(name);
      return value ? [[name, value] as const] : [];
    });
    const session = (await cookies()).get("session");
    if (session) passedOn.push(["cookie", `session=${session.value}`]);
    return Object.fromEntries(passedOn);
  },
});

/** Who looks at the page: null for nobody that is known, or when it cannot be told. */
export const visitor = cache(async () => {
  const answer = await call("get", "/api/users/currentuser");
  return answer.ok ? answer.data.currentUser : null;
});
