/** Answer an unknown path of the API with the API's error body instead of a page. */
function notFound(): Response {
  return Response.json(
    { errors: [{ code: "not_found", message: "Not found" }] },
    { status: 404, headers: { "Cache-Control": "no-store" } },
  );
}

export {
  notFound as DELETE,
  notFound as GET,
  notFound as PATCH,
  notFound as POST,
  notFound as PUT,
};
