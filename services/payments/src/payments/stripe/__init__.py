"""Stripe: the client of its API, and its webhook events."""
