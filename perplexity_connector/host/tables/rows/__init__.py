"""The rows of one start as they run: claimed, sent, stopped, ended."""
