"""Measured claims: each module prints a table, peers in the same run."""
