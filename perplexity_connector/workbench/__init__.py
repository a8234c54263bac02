"""A web page on loopback: drag an action in, fill in its form, run it, watch it answer.

All it shows comes from the host's public methods, so it shows any connector.
"""
