"""Consuming domain events: delivery, retries, parked events and dead letters."""
