"""Before a run: the errors, hints and prices of the steps."""
