const STRIPE = {
  script: " https://js.stripe.com https://*.js.stripe.com",
  connect: " https://api.stripe.com",
  frame: "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
};

/** The page's Content-Security-Policy: our own things only, and Stripe's where it is on. */
export function policy(nonce: string, { stripe = false, dev = false } = {}): string {
  const also = stripe ? STRIPE : { script: "", connect: "", frame: "'none'" };
  return [
    "default-src 'none'",
    // React's development build rebuilds the server's stack traces with eval.
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${dev ? " 'unsafe-eval'" : ""}${also.script}`,
    `style-src 'self' ${dev ? "'unsafe-inline'" : `'nonce-${nonce}'`}`,
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${also.connect}`,
    `frame-src ${also.frame}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}
