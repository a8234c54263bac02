"""Read the operator's settings: the API's address and the time-outs (docs/provider.md, "Endpoints")."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import urlsplit

from perplexity_connector.contract import ConnectorError, ErrorCode, FieldError


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The API's address, without a trailing slash, and the three time-outs in seconds.

    * `connect_timeout`: until the connection is open, TLS included.
    * `first_byte_timeout`: from the start of the request, connecting included, to the
      head of the response.
    * `idle_timeout`: between two pieces of the response.
    """

    base_url: str = "https://api.perplexity.ai"
    connect_timeout: float = 5.0
    first_byte_timeout: float = 120.0
    idle_timeout: float = 120.0


def endpoint_from_settings(settings: Mapping[str, str]) -> Endpoint:
    """Return the endpoint for the settings; a missing or blank one has its default.

    Raises `ConnectorError` (`invalid_input`) for a wrong setting; its pointer is `/settings/NAME`.
    """
    given = {name: text.strip() for name, text in settings.items() if text.strip()}
    return Endpoint(
        base_url=_base_url(given.get("base_url", Endpoint.base_url)),
        connect_timeout=_seconds(given, "connect_timeout", Endpoint.connect_timeout),
        first_byte_timeout=_seconds(
            given, "first_byte_timeout", Endpoint.first_byte_timeout
        ),
        idle_timeout=_seconds(given, "idle_timeout", Endpoint.idle_timeout),
    )


def _base_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        # urlsplit ignores control characters, but the HTTP client raises its own error for them.
        plain = re.fullmatch("[!-~]+", text) is not None
        extra = parts.username or parts.password or parts.query or parts.fragment
        usable = plain and bool(parts.hostname) and not extra
        safe = parts.scheme == "https" or (
            parts.scheme == "http" and _is_this_machine(parts.hostname or "")
        )
        _ = parts.port  # raises ValueError for a wrong port
    except ValueError:
        usable = safe = False
    if not usable or not safe:
        _refuse(
            "base_url",
            "Must be an https address, or http on this machine (loopback), without a query or user name.",
        )
    return text.rstrip("/")


def is_loopback_address(host: str) -> bool:
    """Return whether a host is an address of the loopback: one of 127.0.0.0/8, or ::1."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    # An IPv4 address may be written as an IPv6 one: ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_this_machine(host: str) -> bool:
    # Not a name below localhost: some resolvers ask the network for it, and http carries the key
    # in clear text.
    return host == "localhost" or is_loopback_address(host)


def _seconds(given: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(given.get(name, default))
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        _refuse(name, "Must be a number of seconds above zero.")
    return value


def _refuse(name: str, rule: str) -> NoReturn:
    problem = FieldError(pointer=f"/settings/{name}", code="format", message=rule)
    message = f"The setting {name} cannot be used. {rule}"
    raise ConnectorError(ErrorCode.INVALID_INPUT, message, fields=[problem])
