"""Stripe and SendGrid played on loopback, to be spoken to by their real SDKs."""
