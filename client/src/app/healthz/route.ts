export const dynamic = "force-dynamic";

/** Liveness probe. */
export function GET(): Response {
  return new Response("ok");
}
