import { getSession } from "@/api/server";
import { SessionMark } from "@/live/session";

/** Marks a page as the current user's, so that its header cannot be another one's. */
export async function SessionPart() {
  const session = await getSession();
  return session && <SessionMark userId={session.user?.id ?? null} />;
}
