"""The statements, one module a subject: plain functions of a connection, written to be read."""
