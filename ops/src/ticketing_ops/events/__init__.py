"""The bus in an operator's hands: `ticketing events` and `ticketing dead-letters`.

It needs nothing but NATS, so it works on a cluster's bus as on the local stack's.
"""
