"""The program on a lab machine: it only dials out, and forgets nothing it was given."""
