import { type NextRequest, NextResponse } from "next/server";
import { requestIdOf } from "../server/request-id.mjs";
import { contentSecurityPolicy } from "./lib/content-security-policy";

const SECURITY_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  // The URL of the reset page contains a secret token, which other sites must not receive.
  "Referrer-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
};

/** Add a nonce, a request id and the security headers to every page. */
export function proxy(request: NextRequest): NextResponse {
  if (request.nextUrl.pathname === "/healthz" && request.headers.has("x-real-ip")) {
    // The health check is for the cluster only. The ingress always sends X-Real-IP, a probe never.
    return NextResponse.rewrite(new URL("/not-found", request.url));
  }
  const nonce = btoa(crypto.randomUUID());
  const policy = contentSecurityPolicy(nonce, {
    stripe: Boolean(process.env.STRIPE_PUBLISHABLE_KEY),
    dev: process.env.NODE_ENV === "development",
  });
  const requestId = requestIdOf(request.headers.get("x-request-id"));

  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  headers.set("x-nonce", nonce);
  headers.set("x-request-id", requestId);
  const response = NextResponse.next({ request: { headers } });
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
  response.headers.set("Content-Security-Policy", policy);
  response.headers.set("X-Request-ID", requestId);
  return response;
}

export const config = { matcher: "/((?!_next/static|icon.svg).*)" };
