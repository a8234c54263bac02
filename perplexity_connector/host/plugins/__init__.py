"""Plugins: load a connector, give it its settings, and outlive its failures."""
