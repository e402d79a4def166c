"use client";

import Link from "next/link";
import { usePathname, useSearchParams } from "next/navigation";
import type { ReactNode } from "react";

/** A link that is marked as current on its own page. */
export function NavLink({ href, children }: { href: string; children: ReactNode }) {
  const isCurrent = usePathname() === href.split("?")[0];
  return (
    <Link href={href} prefetch={false} aria-current={isCurrent ? "page" : undefined}>
      {children}
    </Link>
  );
}

const ACCOUNT_PAGES = ["/signin", "/signup", "/forgot-password", "/reset-password"];

/** A link to sign in or up that returns to the current page afterwards. */
export function SignInLink({ to, children }: { to: string; children: ReactNode }) {
  const path = usePathname();
  const query = useSearchParams();
  const currentUrl = query.size ? `${path}?${query}` : path;
  const next = ACCOUNT_PAGES.includes(path) ? query.get("next") : currentUrl;
  const suffix = next && next !== "/" ? `?next=${encodeURIComponent(next)}` : "";
  return <NavLink href={to + suffix}>{children}</NavLink>;
}
