"""Sockets, a quiet uvicorn and request checks for every server here. Imports nothing of ours."""
