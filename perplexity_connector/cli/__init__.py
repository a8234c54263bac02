"""The command line. It meets connectors through the host alone."""
