"""What the client asks of a network: to send a request, and to hand over the answer as it arrives.

It is less than httpx's interface. httpx's requests, responses and headers took a tenth of a search.
"""

from collections.abc import Mapping
from typing import Protocol


class Request:
    """One request. It has no `repr`, because a crash reporter prints variables, and a header is the key.

    * `headers`: all of them, with names in lower case.
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

        Raises `httpx.TransportError` if the body breaks off.
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

        Raises `ConnectError`, `ConnectTimeout`, `ProxyError` or `UnsupportedProtocol` if nothing
        was sent, another `TransportError` if something may have been.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
