"""What is written down about a run: for a budget, and in the ledger."""
