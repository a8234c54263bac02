"""The records of the ledger: read, summed and kept for a time."""
