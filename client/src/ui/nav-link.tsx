"use client";

import Link from "next/link";
import { usePathname, useSearchParams } from "next/navigation";
import type { ReactNode } from "react";

/** A link that says when one is on its page. */
export function NavLink({ href, children }: { href: string; children: ReactNode }) {
  const here = usePathname() === href.split("?")[0];
  return (
    <Link href={href} prefetch={false} aria-current={here ? "page" : undefined}>
      {children}
    </Link>
  );
}

const ABOUT_SIGNING_IN = ["/signin", "/signup", "/forgot-password", "/reset-password"];

/** A link to sign in or up, which remembers where one was going. */
export function SignInLink({ to, children }: { to: string; children: ReactNode }) {
  const path = usePathname();
  const query = useSearchParams();
  const here = query.size ? `${path}?${query}` : path;
  const next = ABOUT_SIGNING_IN.includes(path) ? query.get("next") : here;
  const remembered = next && next !== "/" ? `?next=${encodeURIComponent(next)}` : "";
  return <NavLink href={to + remembered}>{children}</NavLink>;
}
