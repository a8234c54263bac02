"""Runs and errors as plain text, for a terminal or for whoever reads a tool's answer; told from shapes alone."""
