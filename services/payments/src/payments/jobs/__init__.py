"""Background jobs: settlement polls due payments, reconciliation finds missed webhooks."""
