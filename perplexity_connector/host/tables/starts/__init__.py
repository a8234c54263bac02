"""A start of a job: from the table or from the ledger, until it ends."""
