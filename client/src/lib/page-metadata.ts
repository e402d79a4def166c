import type { Metadata } from "next";
import { settings } from "./settings";

export const SITE_NAME = "ticketing";
export const SITE_DESCRIPTION = "Buy and sell tickets for concerts, theatre and sports.";

/** Return the metadata of a public page: for search engines, and for previews of its link. */
export function publicPageMetadata(path: string, title: string, description?: string): Metadata {
  return {
    title,
    description,
    alternates: { canonical: path },
    openGraph: {
      title,
      description: description ?? SITE_DESCRIPTION,
      url: path,
      siteName: SITE_NAME,
      type: "website",
    },
  };
}

/** Return the absolute URL of a path. */
export function absoluteUrl(path: string): string {
  return settings.publicUrl + path;
}
