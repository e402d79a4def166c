import type { Metadata } from "next";
import document from "@/api/generated/openapi.json";
import { ApiDocs } from "@/components/api-docs/api-docs";
import type { OpenApiDocument } from "@/lib/openapi";

export const metadata: Metadata = { title: "API documentation" };

export default function ApiDocsPage() {
  return <ApiDocs document={document as unknown as OpenApiDocument} />;
}
