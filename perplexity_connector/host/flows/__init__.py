"""Flows: several steps in order, each able to take values from earlier ones."""
