"""From a table to the inputs of its rows, and to the plan."""
