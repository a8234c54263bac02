"""Stored connections, encrypted at rest, and the form of a credential."""
