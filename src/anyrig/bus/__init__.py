"""The message bus: everything that speaks NATS, and nothing else does."""
