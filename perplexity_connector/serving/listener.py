"""Listening sockets, and the addresses of this machine."""

import re
import socket
from ipaddress import ip_address

LOOPBACK = "127.0.0.1"


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens at an IP address or `localhost`; port 0 takes any free port.

    Raises `OSError` if the address or the port cannot be used.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio sets TCP_NODELAY only on a socket that names its protocol. Each event must leave in its own packet.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def is_host_name(text: str) -> bool:
    """Return whether that is a name or an address, with or without a port, as in a `Host` header."""
    return re.fullmatch(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?", text) is not None


def is_loopback(address: str) -> bool:
    """Return whether an address or a name is known to mean this machine only."""
    try:
        return address == "localhost" or ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
