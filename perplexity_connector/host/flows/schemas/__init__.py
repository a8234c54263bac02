"""The schemas of the values of a flow, and their places."""
