"""Flows that run: their steps in order, their items at once, their record in the ledger."""
