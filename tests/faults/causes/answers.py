"""Answers with a good status that are none: HTML, nothing, garbage, too much; and good ones in odd wrapping."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from tests.faults import edits
from tests.faults.faults import (
    HTML,
    JSON,
    SSE,
    answer,
    bomb,
    edited,
    flood,
    followed_by,
    rewritten,
)
from tests.faults.proxy import Rule
from tests.faults.row import CUT_OFF, Row, Want, chat, post, search

_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in.</body></html>\n"
_UNUSABLE = Want(code="invalid_response", effect="unknown", billed=0)
_PIECE = 65536


def _unusable() -> Iterator[Row]:
    deep = b"[" * 100_000
    bodies = {
        ("A page of HTML with HTTP 200", ""): (_PAGE, HTML),
        ("A page of HTML with HTTP 200", "called JSON"): (_PAGE, JSON),
        ("A page of HTML with HTTP 200", "called a stream"): (_PAGE, SSE),
        ("An empty body with HTTP 200", ""): (b"", JSON),
        ("An empty body with HTTP 200", "blank lines"): (b"\n\n\n", JSON),
        ("A body that is not JSON", "cut short"): (
            b'{"id":"resp_1","status":"comple',
            JSON,
        ),
        ("A body that is not JSON", "garbage"): (b"\x00\x01\x02{}", JSON),
        ("A body that is not JSON", "NaN"): (b'{"results":[],"id":NaN}', JSON),
        ("A body that is not JSON", "a number of 5000 digits"): (
            b'{"id":' + b"7" * 5000 + b"}",
            JSON,
        ),
        ("A body that is not JSON", "not UTF-8"): (b'{"id":"\xff\xfe"}', JSON),
        ("A body that is not JSON", "nested 100,000 deep"): (b'{"id":' + deep, JSON),
        ("JSON of another shape with HTTP 200", "null"): (b"null", JSON),
        ("JSON of another shape with HTTP 200", "array"): (b"[]", JSON),
        ("JSON of another shape with HTTP 200", "text"): (b'"good"', JSON),
        ("JSON of another shape with HTTP 200", "number"): (b"7", JSON),
    }
    for (cause, variant), (body, headers) in bodies.items():
        fault = Rule("POST ", answer(200, body, headers))
        for row in (chat, search):
            yield row(cause, _UNUSABLE, fault, variant=variant)
    for status in (202, 204):
        for row in (chat, search):
            yield row(
                "A success without a body",
                _UNUSABLE,
                Rule("POST ", answer(status)),
                variant=str(status),
            )


# Long: the flood is about its size, and reading half a million short lines takes half a minute.
_COMMENT = b": keep-alive %s\n" % (b"." * 1000)


def _too_much() -> Iterator[Row]:
    cause = "A body of 50 MB"
    for row in (chat, search):
        for variant, headers, piece, first in (
            ("JSON", JSON, b" " * _PIECE, b'{"id":'),
            ("comments", SSE, _COMMENT * (_PIECE // len(_COMMENT)), b""),
            ("no line end", SSE, b"x" * _PIECE, b"data: "),
        ):
            rule = Rule("POST ", flood(200, headers, piece, first))
            yield row(cause, _UNUSABLE, rule, variant=variant, most_megabytes=CUT_OFF)
    for variant, headers in (("JSON", JSON), ("stream", SSE), ("HTML", HTML)):
        packed = Rule(
            "POST ", answer(200, bomb(), {**headers, "content-encoding": "gzip"})
        )
        for row in (chat, search):
            yield row("A gzip bomb: 50 MB in 50 KB", _UNUSABLE, packed, variant=variant)
    for row in (chat, search):
        packed = Rule(
            "POST ", answer(200, bomb(), {"content-type": "application/gzip"})
        )
        yield row(
            "A gzip bomb: 50 MB in 50 KB", _UNUSABLE, packed, variant="not declared"
        )


def _odd_wrapping() -> Iterator[Row]:
    cause = "A good answer under another content type"
    kinds = ("text/plain", "text/html", "application/octet-stream", "application/json")
    for kind in (*kinds, ""):
        headers = {"content-type": kind} if kind else {}
        yield chat(
            cause, Want(), post(rewritten(bytes, headers)), variant=kind or "none"
        )
        yield search(
            cause,
            Want(),
            Rule("POST ", rewritten(bytes, headers)),
            variant=kind or "none",
        )
    cause = "A gateway gathers the stream into one JSON body"
    for listen in (False, True):
        yield chat(cause, Want(), post(edited(edits.plain)), listen=listen)
        yield chat(
            cause,
            Want(),
            post(edited(edits.plain, pieces_of=700)),
            variant="in pieces",
            listen=listen,
        )
        yield chat(
            cause,
            Want(),
            post(edited(edits.plain_late)),
            variant="after blank lines",
            listen=listen,
        )
    failed = Want(code="upstream_failed", effect="unknown", billed=0)
    body = b'{"id":"resp_1","status":"failed","error":{"message":"no","type":"internal_error","code":500},"output":[]}'
    yield chat(
        "A run that failed, as one JSON body with HTTP 200",
        failed,
        post(answer(200, body)),
    )
    body = b'{"error":{"message":"no","type":"internal_error","code":500}}'
    down = Want(code="unavailable", effect="unknown", billed=0)
    cause, fault = "An error object with HTTP 200", answer(200, body)
    yield chat(cause, down, post(fault))
    yield search(cause, replace(down, attempts=4), Rule("POST ", fault))
    body = b'{"error":{"message":"no","type":"invalid_api_key","code":401}}'
    refused = Want(code="invalid_credentials", effect="none", billed=0)
    for row in (chat, search):
        cause = "A refusal as an error object with HTTP 200"
        yield row(cause, refused, Rule("POST ", answer(200, body)))


def _with_bom(body: bytes) -> bytes:
    return b"\xef\xbb\xbf" + body


# Variant: the change of the body, and its Content-Encoding.
_PACKINGS: Mapping[str, tuple[Callable[[bytes], bytes], str]] = {
    "gzip": (gzip.compress, "gzip"),
    "GZIP after identity": (gzip.compress, "identity, GZIP"),
    "gzip, not named": (gzip.compress, ""),
    "deflate": (zlib.compress, "deflate"),
}
_NAMES = ("UTF-8", "none", " ", "Identity", "identity, identity", "gzip, undone")


def _packed() -> Iterator[Row]:
    for row in (chat, search):
        for variant, (pack, name) in _PACKINGS.items():
            rule = Rule("POST ", rewritten(pack, {**JSON, "content-encoding": name}))
            cause = "A good answer, packed although it was not asked for"
            yield row(cause, Want(), rule, variant=variant)
        for variant in _NAMES:
            name = variant.removesuffix(", undone")
            rule = Rule("POST ", rewritten(bytes, {**SSE, "content-encoding": name}))
            cause = "A good answer with a Content-Encoding that says nothing"
            yield row(cause, Want(), rule, variant=variant.strip() or "blank")
        rule = Rule("POST ", rewritten(_with_bom))
        yield row("A byte order mark before a good answer", Want(), rule)


def _loose() -> Iterator[Row]:
    cause = "A good answer that breaks a small rule of HTTP"
    many = {f"x-policy-{number}": "value" for number in range(1500)}
    for row in (chat, search):
        for variant, fault in {
            "a length beside chunks": rewritten(bytes, {"content-length": "7"}),
            "1,500 headers": rewritten(bytes, many),
            "a length twice": followed_by(b"", twice=True),
            "bytes after the end": followed_by(b"garbage\r\n\r\n"),
        }.items():
            yield row(cause, Want(), Rule("POST ", fault), variant=variant)


ROWS = [*_unusable(), *_too_much(), *_odd_wrapping(), *_packed(), *_loose()]
