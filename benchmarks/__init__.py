"""What the package costs and what it withstands, measured; no part of what is installed."""
