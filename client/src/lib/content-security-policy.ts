const STRIPE_SOURCES = {
  script: " https://js.stripe.com https://*.js.stripe.com",
  connect: " https://api.stripe.com",
  frame: "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
};
const NO_SOURCES = { script: "", connect: "", frame: "'none'" };

/** Return the Content-Security-Policy of a page: this site only, and Stripe's hosts if enabled. */
export function contentSecurityPolicy(nonce: string, { stripe = false, dev = false } = {}): string {
  const extra = stripe ? STRIPE_SOURCES : NO_SOURCES;
  return [
    "default-src 'none'",
    // React's development build uses eval to rebuild the server's stack traces.
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${dev ? " 'unsafe-eval'" : ""}${extra.script}`,
    `style-src 'self' ${dev ? "'unsafe-inline'" : `'nonce-${nonce}'`}`,
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${extra.connect}`,
    `frame-src ${extra.frame}`,
    // The shared connection of the streams.
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}
