"""The rules: pure values and functions, without I/O, clock or third-party import."""
