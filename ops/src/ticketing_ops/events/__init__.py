"""`ticketing events` and `ticketing dead-letters`. They need only a NATS server."""
