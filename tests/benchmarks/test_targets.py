"""The tables of the benchmark, and the canned server whose bytes everything is measured by."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from benchmarks import canned_wire, programs
from benchmarks.clients import CLIENTS
from benchmarks.targets import BEFORE, TARGETS, table_lines
from perplexity_connector.perplexity.wire.run_output import run_output
from perplexity_connector.perplexity.wire.sse import EventDecoder
from tests.perplexity.wire.streams import transcript


def figures(ours: float) -> dict[str, dict[str, dict[str, float]]]:
    """The same figure for everybody, and one of our own."""
    row = {"cpu": 1.0, "wall": 1.0, "memory": 1.0, "held": 50.0, "peak": 50.0}
    clients = [*CLIENTS, "bare Python", "libyaml alone", "empty typer program"]
    cases = (
        "chat",
        "unheard",
        "heard",
        "search",
        "searches",
        "import",
        "cold command",
        "first search",
        "discovery",
    )
    found = {
        case: {client: dict(row) for client in clients} for case in (*cases, "held")
    }
    for case in cases:
        found[case]["ours"]["cpu"] = ours
    found["import"]["bare Python"]["cpu"] = 0.1
    return found


def test_each_target_is_held_against_what_was_found() -> None:
    """Cheap is met, dear is missed; memory is in KiB and apart."""
    cheap = [
        line for line in table_lines(figures(0.2)) if line.endswith(("met", "MISSED"))
    ]
    assert len(cheap) == len(TARGETS)
    assert all(line.endswith("met") for line in cheap)
    dear = [line for line in table_lines(figures(3.0)) if line.endswith("MISSED")]
    assert len(dear) == len(TARGETS) - 1


def test_every_client_stands_in_the_tables() -> None:
    """With its ratio to the floor and to the SDK."""
    seen: Any = defaultdict(int)
    for line in table_lines(figures(1.0)):
        for client in CLIENTS:
            seen[client] += line.strip().startswith(client)
    assert set(seen) == set(CLIENTS)


def test_another_checkout_has_a_column_of_its_own_and_decides_nothing() -> None:
    """A dear revision before this one changes no result."""
    with_before = figures(0.2)
    dear = figures(3.0)
    for case, rows in with_before.items():
        rows[BEFORE] = dear[case]["ours"]
    lines = list(table_lines(with_before))
    ends = [line for line in lines if line.endswith("met")]
    assert len(ends) == len(TARGETS)
    assert sum(line.split()[-3] > line.split()[-2] for line in ends) == len(TARGETS) - 1
    assert sum(line.strip().startswith(BEFORE) for line in lines) == len(with_before)


def test_the_canned_stream_is_a_whole_run() -> None:
    """In the shape that our own reading takes for the recorded one."""
    body = b"".join(canned_wire.STREAMS["v1/agent"]).partition(b"\r\n\r\n")[2]
    frames = [part for part in body.split(b"\r\n") if part.startswith(b"event:")]
    events = [event for frame in frames for event in EventDecoder().feed(frame)]
    assert len(events) == canned_wire.EVENTS == canned_wire.DELTAS + 8
    told: Any = transcript([], listen=True)
    for event in events:
        told.add(event, decode=True)
    assert told.terminal is not None
    assert (
        run_output(told.response, told).text
        == told.response["output"][1]["content"][0]["text"]
    )


@pytest.mark.parametrize("name", ["aiohttp", "httpx", "ours"])
def test_a_client_gets_every_answer_of_the_canned_server(name: str) -> None:
    """Whole and live, a search and many."""

    async def main(url: str) -> None:
        async with CLIENTS[name](url) as client:
            assert await client.chat(f"{url}/plain")
            assert await client.heard(f"{url}/plain")
            assert await client.unheard(f"{url}/live")
            assert await client.search(f"{url}/plain")
            assert await client.searches(f"{url}/plain", ["a", "b"])

    with programs.serving("benchmarks.canned_server") as url:
        asyncio.run(main(url))
