"""HTTP: middleware, sessions, errors, idempotency, pagination, server-sent events."""
