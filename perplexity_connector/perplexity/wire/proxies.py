"""Find the proxy of a request: from the usual variables, or from the settings of the system."""

import os
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

from perplexity_connector.perplexity.wire.variables import named_variable


class ProxyChoice(NamedTuple):
    """The address of a proxy, and how a message names the place that it is from."""

    address: str
    source: str


def chosen_proxy(scheme: str, host: str, port: int) -> ProxyChoice | None:
    """Return the proxy for requests to a host; None if it is reached directly.

    `no_proxy` takes names, name:port, addresses, and networks such as 10.0.0.0/8.
    """
    found = getproxies()
    kind = next((kind for kind in (scheme, "all") if found.get(kind)), None)
    if kind is None or _is_exempt(host, port, found.get("no", "")):
        return None
    address = found[kind].strip()
    full = address if "://" in address else f"http://{address}"
    return ProxyChoice(full, _source(kind))


def _is_exempt(host: str, port: int, exemptions: str) -> bool:
    # The standard library compares the name with and without its port, but knows no networks.
    return bool(proxy_bypass(f"{host}:{port}")) or _is_in_network(host, exemptions)


def _is_in_network(host: str, exemptions: str) -> bool:
    with suppress(ValueError):
        address = ip_address(host)
        return any(address in network for network in _networks(exemptions))
    return False


def _networks(exemptions: str) -> Iterator[IPv4Network | IPv6Network]:
    for entry in exemptions.split(","):
        with suppress(ValueError):
            yield ip_network(entry.strip(" []"), strict=False)


def _source(kind: str) -> str:
    # As `getproxies` reads them: lower case wins. macOS and Windows have a proxy without a variable.
    names = (f"{kind}_proxy", f"{kind}_proxy".upper())
    given = [named_variable(name) for name in names if os.environ.get(name)]
    return next(iter(given), "The proxy in this system's settings")
