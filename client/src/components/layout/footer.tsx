import Link from "next/link";
import { SITE_PAGES } from "@/lib/site-pages";

export function Footer() {
  return (
    <footer className="site-footer">
      <nav
        className="container d-flex flex-wrap column-gap-4 py-2 small"
        aria-label="About the site"
      >
        {Array.from(SITE_PAGES, ([page, title]) => (
          <Link key={page} className="py-2" href={`/${page}`} prefetch={false}>
            {title}
          </Link>
        ))}
        <Link className="py-2" href="/api/docs" prefetch={false}>
          API documentation
        </Link>
      </nav>
    </footer>
  );
}
