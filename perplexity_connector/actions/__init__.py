"""The two actions: check what goes in, carry it to Perplexity and back, and lose nothing on the way."""
