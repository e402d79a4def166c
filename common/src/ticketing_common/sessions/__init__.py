"""Sessions: keys, signed tokens, and the sessions that have ended."""
