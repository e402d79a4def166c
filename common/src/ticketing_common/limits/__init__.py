"""Rate limits by account and by address, counted for all replicas."""
