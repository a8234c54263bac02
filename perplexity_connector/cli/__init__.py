"""The command line: it meets connectors through the host alone, and knows outputs by their shape."""
