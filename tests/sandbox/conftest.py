"""One sandbox for the room's tests, reset before each, on a clock that stands still."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from perplexity_connector.sandbox import GOOD_KEY, Sandbox

Body = dict[str, Any]
Event = tuple[str, Body]


@dataclass
class Clock:
    """A clock that only a test moves."""

    now: float = 1_795_000_000.0

    def __call__(self) -> float:
        """Epoch seconds."""
        return self.now


@pytest.fixture(scope="session")
def clock() -> Clock:
    """The sandbox's clock."""
    return Clock()


@pytest.fixture(scope="session")
def running(clock: Clock) -> Iterator[Sandbox]:
    """A sandbox on a free port."""
    with Sandbox(slow_seconds=0.05, clock=clock) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def connected(running: Sandbox) -> Iterator[httpx.Client]:
    """A client with the good key. It is made once, and without TLS, for that takes longer than a test."""
    headers = {"Authorization": f"Bearer {GOOD_KEY}"}
    with httpx.Client(
        base_url=running.url,
        headers=headers,
        timeout=20,
        verify=False,  # noqa: S501 - loopback
    ) as client:
        yield client


@pytest.fixture
def client(connected: httpx.Client) -> httpx.Client:
    """The same, to a sandbox that has forgotten everything."""
    connected.post("/sandbox/reset").raise_for_status()
    return connected


@pytest.fixture
def sandbox(running: Sandbox, client: httpx.Client) -> Sandbox:
    """The sandbox, having forgotten everything."""
    del client
    return running


@pytest.fixture
def ask(client: httpx.Client) -> Callable[..., Body]:
    """Posts a run and gives its body; keywords are the request's fields."""

    def _ask(question: str = "How far away is the Moon?", **fields: object) -> Body:
        body = {
            "input": question,
            **({} if "model" in fields else {"preset": "fast"}),
            **fields,
        }
        answer = client.post("/v1/agent", json=body)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    return _ask


@pytest.fixture
def listen(client: httpx.Client) -> Callable[..., list[Event]]:
    """Posts a streamed run and gives its events; what is no JSON comes as an empty object."""

    def _listen(
        question: str = "How far away is the Moon?", **fields: object
    ) -> list[Event]:
        body = {"input": question, "preset": "fast", "stream": True, **fields}
        answer = client.post("/v1/agent", json=body)
        assert answer.headers["content-type"] == "text/event-stream"
        return parse(answer.text)

    return _listen


@pytest.fixture
def find(client: httpx.Client) -> Callable[..., Body]:
    """Searches and gives the body; keywords are the request's fields."""

    def _find(query: str | list[str], **fields: object) -> Body:
        answer = client.post("/search", json={"query": query, **fields})
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    return _find


def parse(text: str) -> list[Event]:
    """The events of a whole stream: framing is LF LF, and each has an `event:` and one `data:` line."""
    assert text.endswith("\n\n")
    return [_event(block) for block in text[:-2].split("\n\n")]


def _event(block: str) -> Event:
    first, second = block.split("\n")
    name, data = first.removeprefix("event: "), second.removeprefix("data: ")
    try:
        return name, json.loads(data)
    except ValueError:
        return name, {}
