"""A Langflow extension: every action of a connector as a node, its form drawn from what the host describes."""
