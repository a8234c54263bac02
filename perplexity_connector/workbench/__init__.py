"""A web page on loopback: drag an action in, fill in its form, run it, watch the answer.

It shows only what the host's public methods return, so it shows any connector.
"""
