"""What every ticketing service shares: events, listeners, outbox, sessions, the app factory."""
