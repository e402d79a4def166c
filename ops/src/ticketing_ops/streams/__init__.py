"""Streams and consumers of the message bus."""
