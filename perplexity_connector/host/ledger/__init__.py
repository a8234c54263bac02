"""The ledger: every run and every row of a table, with its state, its cost and its budgets."""
