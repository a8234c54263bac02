"""The same actions inside other hosts, each drawn from the descriptions of the reference host."""
