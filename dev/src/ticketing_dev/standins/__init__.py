"""Stand-ins for Stripe, SendGrid and MongoDB, used by their real clients on loopback."""
