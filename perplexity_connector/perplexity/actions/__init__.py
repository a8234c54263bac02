"""The connector's work: its two actions, the connection test, and the list of models.

Each action validates its input, sends the request, and maps the answer.
"""
