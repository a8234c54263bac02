"""Refusals and other unwelcome statuses, each with every body that was ever seen with one.

See docs/provider.md, "Refusals".
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.faults import faults
from tests.faults.faults import HTML, JSON, Cut, answer, bomb, broken, flood
from tests.faults.proxy import Rule, head
from tests.faults.row import SEARCH, Row, Want, chat, search

_NOW = {"retry-after": "0"}
_PAGE = b"<!DOCTYPE html><html><head><title>api.perplexity.ai | error</title></head><body>\xe2\x80\xa6</body></html>"
_DETAIL = (
    b'{"detail":[{"loc":["body","model"],"msg":"Field required","type":"missing"}]}'
)


def _told(kind: str, status: int, **more: Any) -> bytes:
    return json.dumps(
        {"error": {"message": "…", "type": kind, "code": status, **more}}
    ).encode()


# Status: the code, the effect on the provider's side, the type in the usual envelope.
_STATUSES: Mapping[int, tuple[str, str, str]] = {
    400: ("invalid_input", "none", "invalid_request"),
    401: ("invalid_credentials", "none", "invalid_api_key"),
    402: ("quota_exhausted", "none", "payment_required"),
    403: ("permission_denied", "none", "forbidden"),
    404: ("not_found", "none", "not_found"),
    405: ("invalid_response", "none", "method_not_allowed"),
    408: ("timeout", "unknown", "request_timeout"),
    409: ("invalid_response", "none", "conflict"),
    410: ("unsupported", "none", "gone"),
    413: ("invalid_input", "none", "payload_too_large"),
    415: ("invalid_response", "none", "unsupported_media_type"),
    422: ("invalid_input", "none", "unprocessable"),
    424: ("upstream_failed", "unknown", "external_connector_error"),
    425: ("invalid_response", "none", "too_early"),
    429: ("rate_limited", "none", "request_rate_limit_exceeded"),
    431: ("invalid_response", "none", "headers_too_large"),
    451: ("invalid_response", "none", "unavailable_for_legal_reasons"),
    499: ("invalid_response", "unknown", "client_closed_request"),
    500: ("unavailable", "unknown", "internal_error"),
    501: ("unavailable", "unknown", "not_implemented"),
    502: ("unavailable", "unknown", "bad_gateway"),
    503: ("unavailable", "unknown", "service_unavailable"),
    504: ("timeout", "unknown", "gateway_timeout"),
    520: ("unavailable", "unknown", "unknown_error"),
    521: ("unavailable", "unknown", "server_down"),
    522: ("unavailable", "unknown", "connection_timed_out"),
    523: ("unavailable", "unknown", "unreachable"),
    524: ("timeout", "unknown", "gateway_timeout"),
    529: ("unavailable", "unknown", "overloaded"),
}
# Statuses that are tried with every body; the others come with JSON and HTML.
_EVERY_BODY = (400, 401, 403, 422, 429, 500)
_USUAL = ("JSON", "HTML")


def _bodies(status: int, kind: str) -> dict[str, tuple[bytes, Mapping[str, str]]]:
    told = _told(kind, status)
    return {
        "JSON": (told + b"\n", JSON),
        "HTML": (_PAGE, HTML),
        "empty": (b"", {}),
        "detail list": (_DETAIL, JSON),
        "detail text": (b'{"detail":"Not this time."}', JSON),
        "cut JSON": (told[:-9], JSON),
        "JSON called HTML": (told, HTML),
        "HTML called JSON": (_PAGE, JSON),
        "no UTF-8": (told.replace(b"type", b"ty\xff\xfee"), JSON),
        "null": (b"null", JSON),
        "array": (b"[1]", JSON),
        "odd types": (
            b'{"error":{"message":7,"type":["x"],"code":"y","param":{}}}',
            JSON,
        ),
        "error text": (b'{"error":"no"}', JSON),
    }


def _attempts(code: str, effect: str, action: str) -> int:
    again = code in {"timeout", "rate_limited", "unavailable"} and (
        effect == "none" or action == SEARCH
    )
    return 4 if again else 1


def refusal(
    cause: str, variant: str, code: str, effect: str, fault: object, **more: Any
) -> Iterator[Row]:
    """The same refusal of a chat and of a search; nothing was billed."""
    for row in (chat, search):
        action = row("", Want()).action
        want = Want(
            code=code, effect=effect, attempts=_attempts(code, effect, action), billed=0
        )
        yield row(cause, want, Rule("POST ", fault), variant=variant, **more)  # type: ignore[arg-type]


def _statuses() -> Iterator[Row]:
    for status, (code, effect, kind) in _STATUSES.items():
        bodies = _bodies(status, kind)
        for variant in bodies if status in _EVERY_BODY else _USUAL:
            body, headers = bodies[variant]
            fields = (
                {"pointers": ("/model",)}
                if variant == "detail list" and code == "invalid_input"
                else {}
            )
            fault = answer(status, body, {**headers, **_NOW})
            rows = refusal(
                f"HTTP {status}, with any body",
                variant,
                code,
                effect,
                fault,
                **fields,
            )
            # One room reads refusals for both actions: a search need not be tried with every odd body.
            for row in rows:
                if status == 413 and variant == "JSON" and row.action != SEARCH:
                    yield replace(row, pointers=("/messages",))
                elif row.action != SEARCH or variant in _USUAL:
                    yield row


# Type, status, more of the error: the code, and the fields that it points at.
_KINDS: Any = (
    ("chat_completions_not_available", 403, {}, "unsupported", ()),
    ("insufficient_quota", 401, {}, "quota_exhausted", ()),
    ("invalid_model", 400, {}, "invalid_input", ("/model",)),
    ("invalid_message", 400, {}, "invalid_input", ("/messages",)),
    (
        "invalid_search_domain_filter",
        400,
        {},
        "invalid_input",
        ("/search_domain_filter",),
    ),
    (
        "bad_request",
        400,
        {"message": '["At body -> temperature: too high"]'},
        "invalid_input",
        ("/temperature",),
    ),
    (
        "invalid_request",
        400,
        {"param": "max_output_tokens"},
        "invalid_input",
        ("/max_tokens",),
    ),
    (
        "invalid_request",
        400,
        {"message": 'invalid request body: json: unknown field "foo"'},
        "invalid_input",
        (),
    ),
    ("invalid_date_format", 400, {}, "invalid_input", ()),
    ("invalid_parameter", 400, {}, "invalid_input", ()),
)
_OF_BOTH_FORMS = {"invalid_search_domain_filter"}


def _kinds() -> Iterator[Row]:
    for kind, status, more, code, pointers in _KINDS:
        fault = answer(status, _told(kind, status, **more))
        cause = f"HTTP {status} of type `{kind}`"
        for row in refusal(cause, ",".join(more), code, "none", fault):
            # A search has neither a model nor messages to point at, and no max_output_tokens.
            is_theirs = row.action != SEARCH or kind in _OF_BOTH_FORMS
            yield replace(row, pointers=pointers if is_theirs else ())


def _heavy() -> Iterator[Row]:
    for status, code, effect in (
        (401, "invalid_credentials", "none"),
        (503, "unavailable", "unknown"),
    ):
        spaces = flood(status, JSON, b" " * 65536)
        cause = "A refusal with a body of 50 MB"
        for row in refusal(
            cause, str(status), code, effect, spaces, retries=0, most_megabytes=8
        ):
            yield _once(row)
        packed = answer(status, bomb(), {**JSON, "content-encoding": "gzip"})
        for row in refusal(
            "A refusal with a gzip bomb for a body",
            str(status),
            code,
            effect,
            packed,
            retries=0,
        ):
            yield _once(row)
        for by in (Cut.RESET, Cut.CLOSE):
            said = head(status, JSON) + b'20\r\n{"error":'
            fault = broken(by, said)
            for row in refusal(
                "A refusal whose body breaks off",
                f"{status}, {by}",
                code,
                effect,
                fault,
                retries=0,
            ):
                yield _once(row)


def _once(row: Row) -> Row:
    one = Want(code=row.want.code, effect=row.want.effect, billed=0)
    return (chat if row.action != SEARCH else search)(
        row.cause,
        one,
        *row.rules,
        variant=row.variant,
        retries=0,
        most_megabytes=row.most_megabytes,
    )


_LIMITED = _told("request_rate_limit_exceeded", 429)


def _passing() -> Iterator[Row]:
    past = {
        "x-ratelimit-limit": "50",
        "x-ratelimit-remaining": "1",
        "x-ratelimit-reset": "1",
    }
    dated = {"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT"}
    silly = {
        "retry-after": "soon",
        "x-ratelimit-reset": "never",
        "x-ratelimit-limit": "-1",
    }
    for row in (chat, search):
        for variant, headers in {
            "Retry-After": _NOW,
            "date": dated,
            "sent twice": {"retry-after": "0.01, 0.01"},
            "reset passed": past,
            "silly": silly,
        }.items():
            fault = Rule("POST ", answer(429, _LIMITED, {**JSON, **headers}), last=2)
            yield row(
                "HTTP 429 twice, then an answer",
                Want(attempts=3),
                fault,
                variant=variant,
            )
        told = answer(429, _LIMITED, {**JSON, "retry-after": "3600"})
        late = Want(code="rate_limited", effect="none", billed=0)
        yield row(
            "HTTP 429 with a wait that would pass the deadline",
            late,
            Rule("POST ", told),
        )
        kept = Rule("POST ", answer(429, _LIMITED, {**JSON, **_NOW}, keep=True), last=1)
        yield row("HTTP 429 on a connection that is used again", Want(attempts=2), kept)
    once = Rule(
        "POST ",
        answer(503, _told("service_unavailable", 503), {**JSON, **_NOW}),
        last=1,
    )
    yield search("HTTP 503 once, then an answer", Want(attempts=2), once)
    yield chat(
        "HTTP 503 once, then an answer",
        Want(code="unavailable", effect="unknown", billed=0),
        once,
    )


def _lost_after_work() -> Iterator[Row]:
    for status, code in (
        (502, "unavailable"),
        (504, "timeout"),
        (524, "timeout"),
        (500, "unavailable"),
    ):
        fault = Rule("POST ", answer(status, _PAGE, {**HTML, **_NOW}, after_work=True))
        cause = "The work is done and billed, then the gateway answers 5xx"
        yield chat(cause, Want(code=code, effect="unknown"), fault, variant=str(status))
        yield search(
            cause,
            Want(code=code, effect="unknown", attempts=4, billed=4),
            fault,
            variant=str(status),
        )


def _redirects() -> Iterator[Row]:
    places = {
        "another origin": "{stranger}/v1/agent",
        "the same origin": "/elsewhere",
        "nowhere": "::",
    }
    for status in (301, 302, 303, 307, 308):
        for variant, place in places.items():
            fault = faults.redirect(status, place)
            cause = "A redirect: not followed, the key stays here"
            yield from refusal(
                cause, f"{status} to {variant}", "invalid_response", "unknown", fault
            )
    cause = "A redirect: not followed, the key stays here"
    yield from refusal(cause, "304", "invalid_response", "unknown", answer(304))


ROWS = [
    *_statuses(),
    *_kinds(),
    *_heavy(),
    *_passing(),
    *_lost_after_work(),
    *_redirects(),
]
