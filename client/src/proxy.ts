import { type NextRequest, NextResponse } from "next/server";
import { policy } from "./policy";

const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  // A reset link's token is in its address, and goes nowhere.
  "Referrer-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
};

/** What every page needs before it is rendered: a nonce, a request id, its headers. */
export function proxy(request: NextRequest): NextResponse {
  if (request.nextUrl.pathname === "/healthz" && request.headers.has("x-real-ip")) {
    // An ingress always says for whom it asks; a probe never does.
    return NextResponse.rewrite(new URL("/not-there", request.url));
  }
  const nonce = btoa(crypto.randomUUID());
  const csp = policy(nonce, {
    stripe: Boolean(process.env.STRIPE_PUBLISHABLE_KEY),
    dev: process.env.NODE_ENV === "development",
  });
  const requestId = request.headers.get("x-request-id") ?? crypto.randomUUID();

  const headers = new Headers(request.headers);
  headers.set("content-security-policy", csp);
  headers.set("x-nonce", nonce);
  headers.set("x-request-id", requestId);
  const response = NextResponse.next({ request: { headers } });
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
  response.headers.set("Content-Security-Policy", csp);
  response.headers.set("X-Request-ID", requestId);
  return response;
}

export const config = { matcher: "/((?!_next/static|icon.svg).*)" };
