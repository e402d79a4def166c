import document from "@/api/generated/openapi.json";

export const dynamic = "force-static";

/** Return the OpenAPI document of the whole API. */
export function GET(): Response {
  return Response.json(document, { headers: { "Cache-Control": "public, max-age=300" } });
}
