"""Many runs at once on a key with a small limit, over real sockets."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from perplexity_connector.contract import repeating
from perplexity_connector.host import Host
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import ONE_PER_SECOND_KEY

QUESTION: dict[str, Any] = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}
CONNECTION: dict[str, Any] = {"connection_name": "Slow", "api_key": ONE_PER_SECOND_KEY}


def test_twenty_runs_at_once_on_a_key_of_one_request_a_second_all_succeed() -> None:
    """Within thirty seconds, with fewer than five refusals, each paid for once."""

    async def main(base_url: str) -> list[str]:
        async with Host(settings={"perplexity": {"base_url": base_url}}) as host:
            run = [
                host.run(
                    "perplexity",
                    "create_chat_completion",
                    QUESTION,
                    connection=CONNECTION,
                    timeout=30,
                )
                for _ in range(20)
            ]
            return [str(envelope["status"]) for envelope in await asyncio.gather(*run)]

    with Sandbox() as sandbox:
        assert asyncio.run(main(sandbox.url)) == ["succeeded"] * 20
        assert sandbox.billed_runs == 20
        assert sum(request.status == 429 for request in sandbox.requests) < 5


@dataclass(slots=True)
class TwoAtATime:
    """A search service that takes two requests in 100 ms; others are to come back after half a second."""

    taken: list[float] = field(default_factory=list[float])
    refused: int = 0

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().partition(b"content-length:")[2].split()[0]
                await reader.readexactly(int(length))
                writer.write(self._answer())
        except asyncio.IncompleteReadError:
            writer.close()

    def _answer(self) -> bytes:
        document: Any
        now = time.monotonic()
        if len([at for at in self.taken if now - at < 0.1]) == 2:
            self.refused += 1
            status, more, document = "429 No", "retry-after: 0.5\r\n", {"error": {}}
        else:
            self.taken.append(now)
            status, more, document = "200 OK", "", {"results": [], "id": "1"}
        body = json.dumps(document)
        head = f"HTTP/1.1 {status}\r\n{more}content-length: {len(body)}\r\n\r\n"
        return f"{head}{body}".encode()


def test_twelve_runs_at_a_service_that_takes_two_at_a_time_all_succeed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says `Retry-After` and has no rate headers. All times are half of the real ones."""
    monkeypatch.setattr(repeating, "SHORTEST_S", 0.125)
    monkeypatch.setattr(repeating, "FIRST_BACK_OFF_S", 0.5)
    service = TwoAtATime()

    async def main() -> list[str]:
        async with await asyncio.start_server(service.serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            settings = {"perplexity": {"base_url": f"http://127.0.0.1:{port}"}}
            async with Host(settings=settings) as host:
                search = ("perplexity", "execute_search", {"query": "moon"})
                runs = [host.run(*search, connection=CONNECTION) for _ in range(12)]
                envelopes = await asyncio.gather(*runs)
        return [str(envelope["status"]) for envelope in envelopes]

    assert asyncio.run(main()) == ["succeeded"] * 12
    assert len(service.taken) == 12
    assert service.refused > 0
