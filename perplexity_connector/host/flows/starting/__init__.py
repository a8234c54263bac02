"""Before a flow runs: the part that was asked for, kept outputs, work of an earlier process."""
