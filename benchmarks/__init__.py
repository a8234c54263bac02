"""Measure the cost of the package, alone and under faults. Not installed with it."""
