"""Runs: load the connector, prepare, attempt, retry, limit the rate, record."""
