/** Data of a page for search engines, in the vocabulary of schema.org. */
export function JsonLd({ data }: { data: Record<string, unknown> }) {
  // A title can contain "</script>" or "<!--", which would end or change the element.
  const json = JSON.stringify({ "@context": "https://schema.org", ...data }).replaceAll(
    "<",
    "\\u003c",
  );
  return (
    // biome-ignore lint/security/noDangerouslySetInnerHtml: React would escape quotes; "<" is escaped
    <script type="application/ld+json" dangerouslySetInnerHTML={{ __html: json }} />
  );
}
