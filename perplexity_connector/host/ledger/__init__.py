"""The record of all runs and what they cost, in a database."""
