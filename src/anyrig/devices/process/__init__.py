"""What runs in the process of a device: capture, lend, record, and answer."""
