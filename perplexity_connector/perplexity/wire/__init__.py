"""The only rooms that know Perplexity's wire: pure mappings both ways, event stream, and one client for the I/O."""
