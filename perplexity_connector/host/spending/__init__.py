"""Money before it is spent: the price of a run, and the budgets that hold it back."""
