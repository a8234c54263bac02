"""A provider that repeats the key wherever it has a say, but for the answer itself: that is its text, and goes through.

Left out on purpose: the text of an answer, titles, addresses and snippets of results, the queries it searched for, the
ids and the model of a run that succeeds. They are the output that was asked for.
"""

import json
from collections.abc import Iterator

from tests.faults import edits
from tests.faults.faults import (
    HTML,
    JSON,
    SSE,
    Cut,
    answer,
    broken,
    cut,
    edited,
    raw,
    redirect,
)
from tests.faults.proxy import Fault, Rule, head
from tests.faults.row import SOME_TEXT, Row, Want, chat, post, search


def echoes(key: str) -> Iterator[Row]:
    """Rows whose answers hold the key; how their runs end is not the point."""
    for variant, fault in {**_bodies(key), **_headers(key)}.items():
        rule = Rule("POST ", fault)
        for row in (chat, search):
            yield row("An echo", Want(), rule, variant=variant, retries=1)
    for variant, rules in {**_streams(key), **_looks(key)}.items():
        for listen in (False, True):
            yield chat(
                "An echo", Want(), *rules, variant=variant, listen=listen, retries=1
            )


def in_headers(key: str) -> Iterator[Row]:
    """Rows whose answers hold the key in their head."""
    for variant, fault in _heads(key).items():
        for row in (chat, search):
            yield row(
                "An echo in the head",
                Want(),
                Rule("POST ", fault),
                variant=variant,
                retries=1,
            )


def _bodies(key: str) -> dict[str, Fault]:
    quoted = json.dumps(key)
    error = {"message": f"Bad key {key}", "type": key, "code": key, "param": key}
    return {
        "error": answer(401, json.dumps({"error": error}).encode()),
        "error of a bad request": answer(
            400, json.dumps({"error": {**error, "type": "invalid_request"}}).encode()
        ),
        "error of 500": answer(500, json.dumps({"error": error}).encode()),
        "error of 429": answer(
            429, json.dumps({"error": error}).encode(), {**JSON, "retry-after": "0"}
        ),
        "error with 200": answer(200, json.dumps({"error": error}).encode()),
        "error as text": answer(403, json.dumps({"error": key, key: key}).encode()),
        "detail": answer(
            422,
            json.dumps(
                {"detail": [{"loc": ["body", key], "msg": key, "type": key}]}
            ).encode(),
        ),
        "detail as text": answer(422, json.dumps({"detail": key}).encode()),
        "page": answer(401, f"<html>{key}</html>".encode(), HTML),
        "page with 200": answer(200, f"<html>{key}</html>".encode(), HTML),
        "cut JSON": answer(200, b'{"x":' + quoted.encode()),
        "no JSON": answer(200, key.encode()),
        "another shape": answer(200, json.dumps([key]).encode()),
        "results of another shape": answer(
            200, json.dumps({"results": key, "id": key}).encode()
        ),
        "a body that breaks off": broken(
            Cut.CLOSE, head(200, JSON) + b"fff\r\n" + quoted.encode()
        ),
        "chunks that are none": raw(head(200, JSON) + f"{key}\r\n{key}\r\n".encode()),
    }


def _headers(key: str) -> dict[str, Fault]:
    """What is no HTTP: here the key stands in no header, but in the complaint about it."""
    return {
        "garbage": raw(f"{key}\r\n{key}\r\n\r\n".encode()),
        "another protocol": raw(f"SSH-2.0-{key}\r\n".encode()),
        "a header without a colon": raw(f"HTTP/1.1 200 OK\r\n{key}\r\n\r\n".encode()),
        "a bad length": raw(
            f"HTTP/1.1 200 OK\r\ncontent-length: {key}\r\n\r\n".encode()
        ),
        "a bad transfer": raw(
            f"HTTP/1.1 200 OK\r\ntransfer-encoding: {key}\r\n\r\n".encode()
        ),
    }


def _heads(key: str) -> dict[str, Fault]:
    names = (
        "x-request-id",
        "retry-after",
        "x-ratelimit-reset",
        "content-type",
        "content-encoding",
        "set-cookie",
        "server",
    )
    found: dict[str, Fault] = {
        f"{name} of {status}": answer(status, b'{"results":7}', {**JSON, name: key})
        for name in names
        for status in (200, 401)
    }
    found["location"] = redirect(302, f"https://{key}.example/{key}?{key}")
    found["authorization"] = answer(
        401,
        b"",
        {"authorization": f"Bearer {key}", "www-authenticate": f'Bearer "{key}"'},
    )
    found["reason"] = raw(head(401, {}, reason=key) + b"0\r\n\r\n")
    return found


def _streams(key: str) -> dict[str, list[Rule]]:
    error = {"message": key, "type": key, "code": key}
    created = {
        "type": "response.created",
        "response": {"id": key, "status": "in_progress", "model": key},
    }
    ends = {
        "error event": {"type": "error", "error": error, "message": key, "code": key},
        "failed": {"type": "response.failed", "error": error},
        "failed response": {
            "type": "response.failed",
            "response": {"id": key, "status": "failed", "error": error},
        },
        "cancelled": {
            "type": "response.cancelled",
            "response": {"status": "cancelled", "error": error},
        },
        "an odd status": {
            "type": "response.completed",
            "response": {"status": key, "error": error},
        },
    }
    rules = {
        name: [post(edited(edits.at(-1, edits.framed(end))))]
        for name, end in ends.items()
    }
    rules["event name"] = [
        post(edited(edits.at(3, f"event: {key}\ndata: {key}\n\n".encode())))
    ]
    rules["event type"] = [
        post(
            edited(
                edits.at(
                    3, edits.framed({"type": key, key: key, "sequence_number": key})
                )
            )
        )
    ]
    rules["first event"] = [post(edited(edits.at(0, f"data: {key}\n\n".encode())))]
    rules["id of a run that breaks off"] = [
        post(broken(Cut.CLOSE, head(200, SSE) + _chunked(edits.framed(created))))
    ]
    return rules


def _looks(key: str) -> dict[str, list[Rule]]:
    error = {"message": key, "type": key, "code": key}
    said = {
        "refused": answer(401, json.dumps({"error": error}).encode()),
        "failing": answer(
            500, json.dumps({"error": error}).encode(), {**JSON, "retry-after": "0"}
        ),
        "failed": answer(
            200,
            json.dumps(
                {"id": key, "status": "failed", "error": error, "output": []}
            ).encode(),
        ),
        "odd": answer(200, json.dumps({"id": key, "status": {key: key}}).encode()),
        "no JSON": answer(200, key.encode()),
        "gone": answer(404, key.encode()),
    }
    break_off = post(cut(Cut.CLOSE, events=SOME_TEXT))
    return {
        f"look {name}": [break_off, Rule("GET /v1/agent/", fault)]
        for name, fault in said.items()
    }


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
