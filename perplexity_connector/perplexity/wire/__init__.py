"""Perplexity's wire: pure mappings both ways, the event stream, and one client for the I/O."""
