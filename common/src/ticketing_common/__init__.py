"""The shared package of all services: domain events, messaging, persistence, web."""
