"""Domain events between services, through NATS JetStream."""
