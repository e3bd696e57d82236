"""Benchmarks: each prints one table, with its floor or its peer measured in the same run."""
