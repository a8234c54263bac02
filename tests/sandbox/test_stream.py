import json
import socket
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest

from perplexity_connector.sandbox import GOOD_KEY, Sandbox

Body = dict[str, Any]
Ask = Callable[..., Body]
Listen = Callable[..., list[tuple[str, Body]]]


def names(events: list[tuple[str, Body]]) -> list[str]:
    """The types of event that came, each once."""
    return list(dict.fromkeys(name for name, _ in events))


def deltas(events: list[tuple[str, Body]]) -> list[str]:
    """The pieces of the text."""
    return [
        data["delta"]
        for name, data in events
        if name == "response.output_text.delta" and data
    ]


def test_the_events_of_a_fast_run_come_in_the_recorded_order(listen: Listen) -> None:
    """Search first, then the message token by token, then the whole response."""
    events = listen()
    assert [name for name, _ in events if name != "response.output_text.delta"] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning.search_queries",
        "response.reasoning.search_results",
        "response.output_item.done",
        "response.output_item.added",
        "response.output_text.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert all(data["type"] == name for name, data in events)


def test_sequence_numbers_rise_and_have_the_recorded_holes(listen: Listen) -> None:
    """2 and 17 were missing from the recording."""
    numbers = [data["sequence_number"] for _, data in listen()]
    assert all(a < b for a, b in pairwise(numbers))
    assert not {2, 17} & set(numbers)
    assert {0, 1, 3, 16, 18} <= set(numbers)


def test_the_search_item_is_added_as_a_call_and_done_as_results(listen: Listen) -> None:
    """As recorded."""
    events = listen()
    items = [
        data["item"]
        for name, data in events
        if name.startswith("response.output_item") and not data["output_index"]
    ]
    assert [item["type"] for item in items] == ["function_call", "search_results"]
    assert json.loads(items[0]["arguments"]) == {
        "queries": ["How far away is the Moon?"]
    }
    assert (
        items[1]["results"]
        == next(data for name, data in events if name.endswith("search_results"))[
            "results"
        ]
    )


def test_a_stream_begins_with_the_preset_and_ends_with_the_plain_body(
    client: httpx.Client, ask: Ask, listen: Listen
) -> None:
    """`model` is the preset's name at first and a real model at the end, which is the non-streaming body exactly."""
    events = listen()
    begin, end = events[0][1]["response"], events[-1][1]["response"]
    assert (begin["model"], begin["status"], begin["output"], begin["usage"]) == (
        "fast",
        "in_progress",
        [],
        None,
    )
    assert end["model"] == "openai/gpt-6-luna"
    client.post("/sandbox/reset")
    plain = ask()
    assert {**plain, "id": 0} | {"output": plain["output"][0]} == {**end, "id": 0} | {
        "output": end["output"][0]
    }
    assert plain["output"][1]["content"] == end["output"][1]["content"]


def test_a_page_is_added_as_a_call_and_done_as_its_contents(listen: Listen) -> None:
    """With the two events of reading between them."""
    events = listen("Read https://moon.example/distance", preset="low")
    assert names(events)[2:6] == [
        "response.output_item.added",
        "response.reasoning.fetch_url_queries",
        "response.reasoning.fetch_url_results",
        "response.output_item.done",
    ]
    added, queries, results, done = (data for _, data in events[2:6])
    assert json.loads(added["item"]["arguments"]) == {"urls": queries["urls"]}
    assert queries["urls"] == ["https://moon.example/distance"]
    assert done["item"] == {
        "type": "fetch_url_results",
        "contents": results["contents"],
    }
    assert results["contents"][0]["url"] == queries["urls"][0]
    assert "[web:0]" in "".join(deltas(events))


def test_the_results_of_an_earlier_run_are_done_without_a_call(
    ask: Ask, listen: Listen
) -> None:
    """The stream has no search for them."""
    events = listen("jupiter", previous_response_id=ask()["id"])
    name, data = events[2]
    assert (name, data["item"]["queries"]) == ("response.output_item.done", None)
    done = [name for name, _ in events].count("response.output_item.done")
    assert done == len(events[-1][1]["response"]["output"])


@pytest.mark.parametrize(
    ("preset", "pieces"),
    [("fast", [".[", "1", "]"]), ("low", [".", "[web:", "1", "]"])],
)
def test_a_marker_is_split_over_deltas(
    listen: Listen, preset: str, pieces: list[str]
) -> None:
    """One token or so in each delta; joined they are the text."""
    events = listen(preset=preset)
    tokens = deltas(events)
    start = tokens.index(pieces[-2]) - len(pieces) + 2
    assert tokens[start : start + len(pieces)] == pieces
    assert (
        "".join(tokens)
        == next(data for name, data in events if name.endswith("text.done"))["text"]
    )


def test_a_thinking_preset_says_when_it_thinks(listen: Listen) -> None:
    """`high` reasons, and searches twice; ids go on from one search to the next."""
    events = listen(preset="high")
    assert {"response.reasoning.started", "response.reasoning.stopped"} <= set(
        names(events)
    )
    output = events[-1][1]["response"]["output"]
    assert [item["type"] for item in output] == [
        "search_results",
        "search_results",
        "message",
    ]
    ids = [result["id"] for item in output[:2] for result in item["results"]]
    assert sorted(ids) == list(range(1, len(ids) + 1))


def test_a_run_without_a_search_has_the_message_as_its_first_output(
    listen: Listen,
) -> None:
    """A preset is kept from searching by `max_tool_calls: 0`."""
    events = listen(max_tool_calls=0)
    assert not any("search" in name for name in names(events))
    assert events[2][1]["output_index"] == 0
    assert "tool_calls_details" not in events[-1][1]["response"]["usage"]


def test_every_event_is_a_chunk_of_its_own(sandbox: Sandbox) -> None:
    """A proxy or a client sees one event at a time."""
    body = json.dumps({"input": "moon", "preset": "fast", "stream": True}).encode()
    head = f"POST /responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {GOOD_KEY}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", sandbox.port)) as wire:
        wire.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
        got = b"".join(iter(lambda: wire.recv(65536), b""))
    left, chunks = got.partition(b"\r\n\r\n")[2], []
    while left:
        size, _, left = left.partition(b"\r\n")
        chunks.append(left[: int(size, 16)])
        left = left[int(size, 16) + 2 :]
    assert chunks.pop() == b""
    assert all(
        chunk.startswith(b"event: ")
        and chunk.count(b"\n\n") == 1
        and chunk.endswith(b"\n\n")
        for chunk in chunks
    )


@pytest.mark.parametrize(
    ("prompt", "ends", "status"),
    [
        ("failed", ("response.failed", {"error"}), "failed"),
        ("failed-response", ("response.failed", {"response"}), "failed"),
        ("cancelled", ("response.cancelled", {"response"}), "cancelled"),
        ("error-event", ("error", {"error"}), "failed"),
        ("incomplete", ("response.incomplete", {"response"}), "incomplete"),
        ("incomplete-bare", ("response.incomplete", set()), "incomplete"),
    ],
)
def test_a_test_prompt_selects_how_a_stream_ends(
    client: httpx.Client,
    listen: Listen,
    prompt: str,
    ends: tuple[str, set[str]],
    status: str,
) -> None:
    """Deltas come first; the run ends the same way for whoever fetches it, and in a plain body."""
    events = listen(f"sandbox:{prompt} moon distance")
    assert deltas(events)
    name, last = events[-1]
    assert (name, set(last) - {"type", "sequence_number"}) == ends
    fetched = client.get(f"/v1/agent/{events[0][1]['response']['id']}").json()
    plain = client.post(
        "/v1/agent", json={"input": f"sandbox:{prompt}", "preset": "fast"}
    )
    assert plain.status_code == 200
    assert fetched["status"] == plain.json()["status"] == status
    items = [item["type"] for item in fetched["output"]]
    assert items == ["search_results"] * (status == "cancelled")
    assert len(plain.json()["output"]) == len(items)
    assert bool(fetched["error"]) == (status in ("failed", "cancelled"))


def test_a_stream_without_a_terminal_event_closes_cleanly_and_its_run_completes(
    client: httpx.Client, listen: Listen
) -> None:
    """In progress at the first look, completed at the next."""
    events = listen("sandbox:no-terminal moon")
    assert events[-1][0] == "response.output_item.done"
    path = f"/v1/agent/{events[0][1]['response']['id']}"
    assert [client.get(path).json()["status"] for _ in range(3)] == [
        "in_progress",
        "completed",
        "completed",
    ]


def test_a_malformed_line_stands_between_good_ones(listen: Listen) -> None:
    """One data line is no JSON; the stream goes on to its end."""
    events = listen("sandbox:malformed moon")
    assert [data for _, data in events].count({}) == 1
    assert events[-1][0] == "response.completed"
    assert (
        "".join(deltas(events))
        == events[-1][1]["response"]["output"][1]["content"][0]["text"]
    )


def test_running_out_of_tokens_keeps_the_deltas_and_loses_the_output(
    listen: Listen,
) -> None:
    """Recorded: `status: incomplete`, `output: []`, usage present, `completed_at: null`."""
    events = listen(max_output_tokens=16)
    last = events[-1][1]["response"]
    assert len(deltas(events)) == 16
    assert (last["status"], last["output"], last["completed_at"]) == (
        "incomplete",
        [],
        None,
    )
    assert last["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["usage"]["output_tokens"] == 16


def test_a_line_separator_of_unicode_travels_raw(listen: Listen) -> None:
    """U+2028 stands unescaped within a data line: only LF ends a line of an event stream."""
    events = listen("line separators in text")
    assert "\u2028" in json.dumps(events, ensure_ascii=False)
    assert events[-1][0] == "response.completed"
