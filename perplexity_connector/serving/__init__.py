"""What every server of ours shares: loopback sockets, a quiet uvicorn, checks of who may ask. Imports nothing of ours."""
