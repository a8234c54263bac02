"""Before a flow runs: the part that was asked for, outputs of before, work of an earlier process."""
