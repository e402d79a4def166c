"""MongoDB: versioned documents, transactions, the outbox."""
