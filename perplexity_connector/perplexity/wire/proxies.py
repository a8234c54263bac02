"""Find the proxy of a request: from the usual variables, or from the settings of the system."""

import os
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

from perplexity_connector.perplexity.wire.variables import named_variable


class ProxyChoice(NamedTuple):
    """The address of a proxy, and where it is from, as messages name that."""

    address: str
    source: str


def chosen_proxy(scheme: str, host: str, port: int) -> ProxyChoice | None:
    """Return the proxy for requests to a host; None if it is reached directly.

    `no_proxy` takes names, name:port, addresses, and networks such as 10.0.0.0/8.
    """
    found = getproxies()
    kind = scheme if found.get(scheme) else "all"
    address = found.get(kind, "").strip()
    if not address or _is_exempt(host, port, found.get("no", "")):
        return None
    if "://" not in address:
        address = f"http://{address}"
    return ProxyChoice(address, _source(kind))


def _is_exempt(host: str, port: int, exemptions: str) -> bool:
    # urllib compares the name with and without its port. It does not know networks.
    if proxy_bypass(f"{host}:{port}"):
        return True
    return _is_in_network(host, exemptions)


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
    name = f"{kind}_proxy"
    for variable in (name, name.upper()):
        if os.environ.get(variable):
            return named_variable(variable)
    return "The proxy in this system's settings"
