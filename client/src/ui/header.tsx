import Link from "next/link";
import type { User } from "@/api/models";
import { NavLink, SignInLink } from "./nav-link";
import { SignOut } from "./sign-out";

export function Header({ user }: { user: User | null }) {
  return (
    <header className="site-header">
      <a className="visually-hidden-focusable" href="#content">
        Skip to the content
      </a>
      <div className="container d-flex flex-wrap align-items-center column-gap-4 py-2">
        <Link className="brand py-2" href="/">
          ticketing
        </Link>
        <nav className="site-nav d-flex column-gap-4" aria-label="Main">
          <NavLink href="/tickets/new">Sell a ticket</NavLink>
          {user && (
            <>
              <NavLink href="/tickets/mine">My tickets</NavLink>
              <NavLink href="/orders">My orders</NavLink>
            </>
          )}
        </nav>
        <div className="site-nav account d-flex align-items-center column-gap-4 ms-auto">
          {user ? (
            <>
              <span className="who text-truncate text-body-secondary small" title={user.email}>
                {user.email}
              </span>
              <SignOut />
            </>
          ) : (
            <>
              <SignInLink to="/signin">Sign in</SignInLink>
              <SignInLink to="/signup">Sign up</SignInLink>
            </>
          )}
        </div>
      </div>
    </header>
  );
}
