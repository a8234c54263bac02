"""What the client asks of a network: to send a request, and to hand over the answer as it arrives.

It is less than httpx's interface. httpx's requests, responses and headers took a tenth of a search,
and its import, with a command line of its own, a sixth of a process that searches once.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

# How long a network keeps a connection that no request uses.
IDLE_CONNECTION_S = 5.0


class Request:
    """One request. It has no `repr`, because a crash reporter prints variables, and a header is the key.

    * `headers`: all but `host`, which the network adds, with names in lower case.
    * `content`: the body; empty without one.
    """

    __slots__ = ("content", "headers", "method", "url")

    def __init__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> None:
        """Make it ready to be sent."""
        self.method = method
        self.url = url
        self.headers = headers
        self.content = content


class Answer(Protocol):
    """The answer to a request, as soon as its head has arrived.

    `headers` has the names in lower case. A header that was sent several times is joined by commas.
    """

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """Return the next piece of the body as it arrives; empty at the end.

        Raises `BrokenError` if the body breaks off.
        """
        ...

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        ...


class Network(Protocol):
    """What sends requests to one origin."""

    async def open(self) -> None:
        """Be ready for the first request."""
        ...

    async def send(self, request: Request) -> Answer:
        """Return the answer, as soon as its head has arrived.

        Raises `NotSentError` if nothing was sent, `BrokenError` if something may have been.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class NotSentError(Exception):
    """Surely nothing was sent. The text names the kind of failure, and holds nothing of the request."""


class UntrustedCertificateError(NotSentError):
    """The server, or the proxy, has a certificate that is not trusted."""


class BrokenError(Exception):
    """Something may have been sent. The text names the kind of failure, as above."""


def joined(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return the headers by their names in lower case. One sent several times is joined by commas."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
