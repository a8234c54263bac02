"""Perplexity for any workflow-automation host: two actions behind one pluggy hook.

Importing this package imports nothing else; a host reads `connector.yaml`, and loads `perplexity_connector.plugin` on
first use.
"""
