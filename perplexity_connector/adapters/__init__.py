"""The same actions inside other people's hosts, each a thin projection of what the reference host describes."""
