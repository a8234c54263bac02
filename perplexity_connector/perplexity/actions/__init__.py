"""What the connector does: its two actions, the test of a connection, and the models that can be picked.

Each checks what goes in, carries it to Perplexity and back, and loses nothing on the way.
"""
