import Link from "next/link";
import type { User } from "@/api/models";
import { getCurrentUser } from "@/api/server";
import { Streamed } from "@/components/common/streamed";
import { UserText } from "@/components/common/user-text";
import { NavLink, SignInLink } from "./nav-link";
import { SessionPart } from "./session-part";
import { SignOutButton } from "./sign-out-button";

export function Header() {
  return <Streamed content={loadHeader()} fallback={<HeaderOf user={undefined} />} />;
}

async function loadHeader() {
  return (
    <>
      <SessionPart />
      <HeaderOf user={await getCurrentUser()} />
    </>
  );
}

/** The header of a user or of a visitor (null). Undefined: not known yet. */
function HeaderOf({ user }: { user: User | null | undefined }) {
  return (
    <header className="site-header">
      <a className="visually-hidden-focusable" href="#content">
        Skip to main content
      </a>
      <div className="container d-flex flex-wrap align-items-center column-gap-4 py-2">
        <Link className="brand py-2" href="/">
          ticketing
        </Link>
        <nav className="site-nav d-flex flex-wrap column-gap-3" aria-label="Main">
          <NavLink href="/tickets/new">Sell a ticket</NavLink>
          {user && (
            <>
              <NavLink href="/tickets/mine">My tickets</NavLink>
              <NavLink href="/orders">My orders</NavLink>
            </>
          )}
        </nav>
        <div className="site-nav account-nav d-flex justify-content-end align-items-center column-gap-3">
          {user === undefined ? (
            // As high as the button that takes its place.
            <span className="btn btn-link border-0 invisible">…</span>
          ) : user ? (
            <>
              <span
                className="user-email text-truncate text-body-secondary small"
                title={user.email}
              >
                <UserText>{user.email}</UserText>
              </span>
              <SignOutButton />
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
