"""The clients side by side: two bare HTTP libraries, three vendors' packages, and ours through its host.

Each imports only its own library, when it is created. Each call gets the base URL, since the path selects how the
canned server sends.
"""

import asyncio
import http.client
import json
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host import Host

_KEY = "pplx-benchmark"
_QUESTION = "How far away is the moon?"
_MESSAGES = [{"role": "user", "content": _QUESTION}]
_AGENT = {"input": _MESSAGES, "preset": "fast"}
_CONNECTIONS = 4096


class Client:
    """The calls that are measured. A client that lacks one raises `NotImplementedError`, and is not asked for it."""

    def __init__(self, url: str) -> None:
        """Import the library."""

    async def __aenter__(self) -> Self:
        """Open it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""

    async def chat(self, url: str) -> object:
        """Fetch an answer without a listener, as one document if the client supports that."""
        raise NotImplementedError

    async def heard(self, url: str) -> object:
        """Stream a live answer, and decode each event."""
        raise NotImplementedError

    async def unheard(self, url: str) -> object:
        """Stream a live answer without a listener. A client that cannot do that listens."""
        return await self.heard(url)

    async def search(self, url: str, query: str = _QUESTION) -> object:
        """Search once."""
        raise NotImplementedError

    async def searches(self, url: str, queries: Sequence[str]) -> object:
        """Search for many queries at once."""
        return await asyncio.gather(*[self.search(url, query) for query in queries])


class _Bare(Client):
    """The common part of the two HTTP libraries: send JSON, read JSON or events, check nothing."""

    async def chat(self, url: str) -> object:
        return await self._post(f"{url}/v1/agent", _AGENT)

    async def search(self, url: str, query: str = _QUESTION) -> object:
        return await self._post(f"{url}/search", {"query": query})

    async def heard(self, url: str) -> object:
        last, held = None, b""
        async with aclosing(
            self._pieces(f"{url}/v1/agent", {**_AGENT, "stream": True})
        ) as pieces:
            async for piece in pieces:
                *events, held = (held + piece).split(b"\n\n")
                for event in events:
                    last = json.loads(event[event.index(b"data: ") + 6 :])
        return last

    @abstractmethod
    async def _post(self, url: str, body: Mapping[str, Any]) -> object: ...

    @abstractmethod
    def _pieces(
        self, url: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[bytes, None]: ...


class Aiohttp(_Bare):
    """The floor: aiohttp as it comes."""

    async def __aenter__(self) -> Self:
        import aiohttp  # noqa: PLC0415 - each process imports its own client only

        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *trouble: object) -> None:
        await self._session.close()

    async def _post(self, url: str, body: Mapping[str, Any]) -> object:
        async with self._session.post(url, json=body) as answer:
            return json.loads(await answer.read())

    async def _pieces(
        self, url: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[bytes, None]:
        async with self._session.post(url, json=body) as answer:
            async for piece in answer.content.iter_any():
                yield piece


class Httpx(_Bare):
    """The other floor: httpx as it comes."""

    async def __aenter__(self) -> Self:
        import httpx  # noqa: PLC0415, TID251 - a peer here

        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        self._client = httpx.AsyncClient(timeout=None, limits=limits)  # noqa: S113 - the server is ours
        return self

    async def __aexit__(self, *trouble: object) -> None:
        await self._client.aclose()

    async def _post(self, url: str, body: Mapping[str, Any]) -> object:
        return (await self._client.post(url, json=body)).json()

    async def _pieces(
        self, url: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[bytes, None]:
        async with self._client.stream("POST", url, json=body) as answer:
            async for piece in answer.aiter_bytes():
                yield piece


class Sdk(Client):
    """The official `perplexityai`; `aiohttp` takes its faster transport."""

    def __init__(self, url: str, *, aiohttp: bool = False) -> None:
        import perplexity  # noqa: PLC0415

        own = {"http_client": perplexity.DefaultAioHttpClient()} if aiohttp else {}
        client = perplexity.AsyncPerplexity(
            api_key=_KEY, base_url=url, timeout=None, **own
        )
        self._at: Callable[[str], Any] = cache(
            lambda base: client.with_options(base_url=base)
        )
        self._close = client.close

    async def __aexit__(self, *trouble: object) -> None:
        await self._close()

    async def chat(self, url: str) -> object:
        return await self._at(url).responses.create(input=_QUESTION, preset="fast")

    async def heard(self, url: str) -> object:
        last = None
        async for event in await self._at(url).responses.create(
            input=_QUESTION, preset="fast", stream=True
        ):
            last = event
        return last

    async def search(self, url: str, query: str = _QUESTION) -> object:
        return await self._at(url).search.create(query=query)


class OpenAi(Client):
    """The `openai` package, which speaks to the same endpoint."""

    def __init__(self, url: str) -> None:
        import openai  # noqa: PLC0415

        client = openai.AsyncOpenAI(api_key=_KEY, base_url=url, timeout=None)
        self._at: Callable[[str], Any] = cache(
            lambda base: client.with_options(base_url=f"{base}/v1")
        )
        self._close = client.close

    async def __aexit__(self, *trouble: object) -> None:
        await self._close()

    async def chat(self, url: str) -> object:
        return await self._at(url).responses.create(input=_QUESTION, model="fast")

    async def heard(self, url: str) -> object:
        last = None
        async for event in await self._at(url).responses.create(
            input=_QUESTION, model="fast", stream=True
        ):
            last = event
        return last


class LangChain(Client):
    """`langchain-perplexity`, which speaks to the retired chat endpoint."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        from langchain_perplexity import ChatPerplexity  # noqa: PLC0415
        from perplexity import AsyncPerplexity, Perplexity  # noqa: PLC0415 - it has no field for a base URL

        self._at: Callable[[str], Any] = cache(
            lambda base: ChatPerplexity(
                model="sonar",
                api_key=_KEY,
                client=Perplexity(api_key=_KEY, base_url=base),
                async_client=AsyncPerplexity(api_key=_KEY, base_url=base),
            )
        )

    async def chat(self, url: str) -> object:
        return await self._at(url).ainvoke(_QUESTION)

    async def heard(self, url: str) -> object:
        last = None
        async for piece in self._at(url).astream(_QUESTION):
            last = piece
        return last


class Ours(Client):
    """This package through its reference host, input and output validated."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        from perplexity_connector.host import Host  # noqa: PLC0415

        self._make = Host
        self._hosts: dict[str, Host] = {}

    async def __aexit__(self, *trouble: object) -> None:
        for host in self._hosts.values():
            await host.__aexit__(None, None, None)

    async def chat(self, url: str) -> object:
        step: Any = {"model": "sonar", "messages": _MESSAGES}
        return _good(
            await (await self._at(url)).run(
                "perplexity", "create_chat_completion", step, connection=_OURS
            )
        )

    async def unheard(self, url: str) -> object:
        return await self.chat(url)

    async def heard(self, url: str) -> object:
        step: Any = {"model": "sonar", "messages": _MESSAGES}
        events = (await self._at(url)).stream(
            "perplexity", "create_chat_completion", step, connection=_OURS
        )
        async with aclosing(events):
            item = await anext(events)
            while item["type"] != "run.finished":
                item = await anext(events)
        return _good(item["envelope"])

    async def search(self, url: str, query: str | Sequence[str] = _QUESTION) -> object:
        step: Any = {"query": query}
        return _good(
            await (await self._at(url)).run(
                "perplexity", "execute_search", step, connection=_OURS
            )
        )

    async def searches(self, url: str, queries: Sequence[str]) -> object:
        return await self.search(url, queries)

    async def _at(self, url: str) -> "Host":
        if url not in self._hosts:
            self._hosts[url] = await self._make(
                settings={"perplexity": {"base_url": url}}, environ={}
            ).__aenter__()
        return self._hosts[url]


_OURS = {"connection_name": "Benchmark", "api_key": _KEY}


def _good(envelope: "EnvelopeDocument") -> "EnvelopeDocument":
    if envelope["status"] != "succeeded":
        raise RuntimeError(str(envelope["error"]))
    return envelope


async def ask_server(url: str) -> int:
    """Send a POST to the canned server, and return its answer as a number; 0 for an empty document."""
    return await asyncio.to_thread(_asked, url)


def _asked(url: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("POST", parts.path)
    answer = connection.getresponse().read()
    connection.close()
    return int(answer) if answer.isdigit() else 0


CLIENTS: Mapping[str, Callable[[str], Client]] = {
    "aiohttp": Aiohttp,
    "httpx": Httpx,
    "ours": Ours,
    "perplexityai": Sdk,
    "perplexityai over aiohttp": partial(Sdk, aiohttp=True),
    "openai": OpenAi,
    "langchain-perplexity": LangChain,
}
