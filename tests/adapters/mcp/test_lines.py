"""The lines of a client: a message, one that can be repaired, or an answer that refuses it."""

import json
from typing import Any

import pytest
from mcp_types import INVALID_REQUEST, PARSE_ERROR, JSONRPCError

from perplexity_connector.adapters.mcp.lines import messages_of

PING = {"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"text": "moon"}}
LINE = json.dumps(PING)
NOTICE = '{"jsonrpc": "2.0", "method": "notifications/initialized"}'


def read(line: str) -> list[Any]:
    """Each message decoded, and each refusal as its code and id."""
    return [
        (one.error.code, one.id) if isinstance(one, JSONRPCError) else json.loads(one)
        for one in messages_of(line)
    ]


def asking(text: str) -> dict[str, Any]:
    """The message with another text."""
    return {**PING, "params": {"text": text}}


@pytest.mark.parametrize(
    ("line", "messages"),
    [
        (LINE, [PING]),
        (LINE + "\r\n", [PING]),
        ("\ufeff" + LINE, [PING]),
        (LINE.replace("moon", "a\tb"), [asking("a\tb")]),
        (LINE.replace("moon", "a\x01b"), [asking("a\x01b")]),
        (LINE.replace("moon", r"a\ud83d"), [asking("a?")]),
        (LINE.replace("moon", r"\udf15a"), [asking("?a")]),
        (LINE.replace("moon", r"\ud83c\udf15"), [asking("\U0001f315")]),
        (LINE.replace("moon", "\ufffd"), [asking("\ufffd")]),
        (f"[{LINE}, {NOTICE}]", [PING, json.loads(NOTICE)]),
        (NOTICE, [json.loads(NOTICE)]),
        ("", []),
        ("  \r\n", []),
        ("\ufeff\n", []),
    ],
)
def test_a_line_gives_its_messages(line: str, messages: list[Any]) -> None:
    """Repaired where that does not change what it says."""
    assert read(line) == messages


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        ("not JSON", PARSE_ERROR, None),
        ("{", PARSE_ERROR, None),
        (LINE[:-1], PARSE_ERROR, 7),
        (LINE.replace('"moon"', "moon"), PARSE_ERROR, 7),
        (LINE.replace("7", '"call-7"').replace("moon", "\\x"), PARSE_ERROR, "call-7"),
        # The SDK of TypeScript writes the id last.
        ('{"params": {"id": 3, "text": "a\\x"}, "id": 7}', PARSE_ERROR, 7),
        ('{"params": {"id": 3, "list": [{"id": 4}', PARSE_ERROR, None),
        ('{"params": {"text": "\\"id\\": 3}"}, "id": x', PARSE_ERROR, None),
        ("[" * 100_000, PARSE_ERROR, None),
        ('{"id": ' + "9" * 5000 + "}", PARSE_ERROR, None),
        ("[]", INVALID_REQUEST, None),
        ("5", INVALID_REQUEST, None),
        ('{"jsonrpc": "2.0", "id": 7, "method": 5}', INVALID_REQUEST, 7),
        ('{"jsonrpc": "1.0", "id": "a", "method": "ping"}', INVALID_REQUEST, "a"),
        ('{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', INVALID_REQUEST, None),
    ],
)
def test_a_line_that_is_not_a_message_is_answered(
    line: str, code: int, number: object
) -> None:
    """With the id of the message if it can be read, never with an id from inside of the arguments."""
    assert read(line) == [(code, number)]


def test_each_message_of_a_batch_is_judged_alone() -> None:
    """A bad one takes no good one with it."""
    bad = '{"jsonrpc": "2.0", "id": 8}'
    assert read(f"[{LINE}, {bad}, 5]") == [
        PING,
        (INVALID_REQUEST, 8),
        (INVALID_REQUEST, None),
    ]
