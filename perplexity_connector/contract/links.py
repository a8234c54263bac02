"""Addresses that others wrote, made safe to show and to follow."""

import re

# As browsers read them: in an address of the web, backslashes are slashes, and their number is free.
# Another address may begin with a scheme of its own, as `view-source:https:` does.
_USER_INFO = re.compile(
    r"((?:[^:/\\?#]*:){0,9}?[\x00-\x20]*(?:https?|ftp|wss?):[/\\]*"
    r"|(?:[^/\\?#]*:)?[\x00-\x20]*//)[^/\\?#]*@",
    re.IGNORECASE,
)
# Browsers remove these wherever they are.
_IGNORED = str.maketrans("", "", "\t\r\n")


def without_user(address: str) -> str:
    """Return an address without `user:password@`.

    That part may be a secret, or look like the host: `https://bank.example@evil.example`.
    """
    if "@" not in address:
        return address
    plain = address.translate(_IGNORED)
    found = _USER_INFO.match(plain)
    return found[1] + plain[found.end() :] if found else address
