import type { MetadataRoute } from "next";
import { absoluteUrl } from "@/lib/page-metadata";

export const dynamic = "force-dynamic";

/** Keep search engines off the pages that belong to one user. */
export default function robots(): MetadataRoute.Robots {
  return {
    rules: {
      userAgent: "*",
      allow: ["/", "/api/docs"],
      disallow: [
        "/api/",
        "/dev/",
        "/orders",
        "/tickets/mine",
        "/tickets/new",
        "/tickets/*/edit",
        "/signin",
        "/signup",
        "/forgot-password",
        "/reset-password",
      ],
    },
    sitemap: absoluteUrl("/sitemap.xml"),
  };
}
