"""The state machine, the documents and the rules of payments. Nothing here calls Stripe."""
