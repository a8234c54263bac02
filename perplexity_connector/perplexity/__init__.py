"""Perplexity behind the contract. Each part uses only the parts below it: actions, wire, forms."""
