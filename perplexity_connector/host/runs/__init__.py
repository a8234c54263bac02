"""Runs: prepare, attempt, retry, stop, observe, record."""
