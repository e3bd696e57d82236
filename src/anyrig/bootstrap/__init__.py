"""Wires the parts by hand, and keeps them until the end."""
