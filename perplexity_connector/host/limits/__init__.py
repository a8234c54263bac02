"""Limits: how many requests run at once, and how long a run waits for its turn."""
