"""Payments: one charge per order, through Stripe."""
