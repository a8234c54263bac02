"""Renders runs and errors as plain text, from the shape of the data alone."""
