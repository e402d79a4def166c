"""Stripe's signature, made by Stripe's own code."""

import time

import stripe

WEBHOOK_SECRET = "whsec_test_payments"


def signed(body: str, secret: str = WEBHOOK_SECRET, at: float | None = None) -> dict[str, str]:
    """The headers of a webhook with this body."""
    moment = int(at or time.time())
    header = stripe.WebhookSignature.generate_signature_header(body, secret, moment)
    return {"Stripe-Signature": header, "Content-Type": "application/json"}
