"""Addresses that others wrote, made safe to show and to follow."""

import re

# As browsers read them: in an address of the web, backslashes are slashes, and their number is free.
_USER_INFO = re.compile(
    r"([\x00-\x20]*(?:(?:https?|ftp|wss?):[/\\]*|[^:/\\?#]*:?//))[^/\\?#]*@",
    re.IGNORECASE,
)


def without_user(address: str) -> str:
    """Return an address without `user:password@`.

    That part may be a secret, or look like the host: `https://bank.example@evil.example`.
    """
    found = _USER_INFO.match(address) if "@" in address else None
    return found[1] + address[found.end() :] if found else address
