"""Signatures of webhooks, made by Stripe's own code."""

import time

import stripe

WEBHOOK_SECRET = "whsec_test_payments"


def signature_headers(
    body: str, secret: str = WEBHOOK_SECRET, at: float | None = None
) -> dict[str, str]:
    """Return the headers of a webhook with this body."""
    timestamp = int(at or time.time())
    header = stripe.WebhookSignature.generate_signature_header(body, secret, timestamp)
    return {"Stripe-Signature": header, "Content-Type": "application/json"}
