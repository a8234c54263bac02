"""A Langflow extension: every action of a connector as a node, with its form."""
