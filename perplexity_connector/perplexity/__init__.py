"""This connector: Perplexity behind the contract. Each room uses only the rooms below it: actions, wire, forms."""
