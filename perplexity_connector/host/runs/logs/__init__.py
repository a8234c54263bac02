"""The logs of a run: for a budget, and in the ledger."""
