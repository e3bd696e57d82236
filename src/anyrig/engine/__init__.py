"""The use cases: asynchronous functions over storage, bus and packs."""
