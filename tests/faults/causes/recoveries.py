"""The stream has broken after some text, and now the look at the run goes wrong as well."""

import json
from collections.abc import Iterator
from typing import Any

from tests.faults import faults
from tests.faults.faults import (
    HTML,
    JSON,
    Cut,
    answer,
    at_deadline,
    bomb,
    broken,
    cut,
    cut_bytes,
    flood,
)
from tests.faults.proxy import Rule
from tests.faults.row import CUT_OFF, LONG, SOME_TEXT, Row, Want, chat, post

# No RST: it may destroy text that was not read yet.
_BREAK = post(cut(Cut.CLOSE, events=SOME_TEXT))
# One look and five more are as many as may go wrong in a row.
_LOOKS = 6
_RECOVERED = Want(warnings=("recovered",))
_QUICK = {"first_byte_timeout": "0.3", "idle_timeout": "0.3"}


def _status(status: str, **more: Any) -> bytes:
    found: Any = {"object": "response", "status": status, "output": [], "error": None}
    return json.dumps(found | more).encode()


def _look(fault: object, first: int = 1, last: int = 1_000_000) -> Rule:
    return Rule("GET /v1/agent/", fault, first, last)  # type: ignore[arg-type]


def _passing() -> Iterator[Row]:
    now = {"retry-after": "0"}
    faulty = {
        "429": answer(429, b"", now),
        "500": answer(500, b"", now),
        "502 HTML": answer(502, b"<html></html>", {**HTML, **now}),
        "200 HTML": answer(200, b"<html></html>", HTML),
        "reset": broken(Cut.RESET),
        "closed": broken(Cut.CLOSE),
        "cut short": cut_bytes(Cut.RESET, 60),
        "no JSON": answer(200, b'{"id":'),
        "no run": answer(200, b"{}"),
        "another run": answer(200, _status("completed", id="resp_other")),
        "array": answer(200, b"[]"),
        "no UTF-8": answer(200, b'{"status":"\xff"}'),
        "a status of another type": answer(200, b'{"status":7}'),
        "a redirect": faults.redirect(307, "{stranger}/v1/agent/resp_1"),
        "a gzip bomb": answer(200, bomb(), {**JSON, "content-encoding": "gzip"}),
    }
    for variant, fault in faulty.items():
        rules = (_BREAK, _look(fault, last=3))
        yield chat(
            "Broken stream; the first looks at the run fail",
            _RECOVERED,
            *rules,
            variant=variant,
            listen=True,
        )
    stalled = (_BREAK, _look(broken(Cut.STALL), last=1))
    cause = "Broken stream; the first looks at the run fail"
    yield chat(cause, _RECOVERED, *stalled, variant="silence", settings=_QUICK)
    waiting = (
        _BREAK,
        _look(answer(200, _status("queued")), last=2),
        _look(answer(200, _status("in_progress")), 3, 6),
    )
    yield chat(
        "Broken stream; the run goes on for a while", _RECOVERED, *waiting, listen=True
    )
    new = (_BREAK, _look(answer(200, _status("pondering")), last=2))
    yield chat(
        "Broken stream; the run goes on for a while",
        _RECOVERED,
        *new,
        variant="a status not known",
    )


def _ended() -> Iterator[Row]:
    lost = Want(code="upstream_failed", effect="unknown", partial=True)
    for variant, fault in {"404": answer(404), "400": answer(400)}.items():
        yield chat(
            "Broken stream; the run is not known any more",
            lost,
            _BREAK,
            _look(fault),
            variant=variant,
        )
    for status in ("cancelled", "failed"):
        rules = (_BREAK, _look(answer(200, _status(status))))
        cause = f"Broken stream; the run was {status} meanwhile"
        yield chat(cause, lost, *rules)
        yield chat(cause, lost, *rules, listen=True)
    asks = Want(code="upstream_failed", effect="unknown", partial=True)
    rules = (_BREAK, _look(answer(200, _status("requires_action"))))
    yield chat("Broken stream; the run asks for an action", asks, *rules)
    refusals = {
        401: "invalid_credentials",
        402: "quota_exhausted",
        403: "permission_denied",
        410: "unsupported",
    }
    for refusal, code in refusals.items():
        want = Want(code=code, effect="unknown", partial=True)
        yield chat(
            f"Broken stream; the look at the run is refused with {refusal}",
            want,
            _BREAK,
            _look(answer(refusal)),
        )


def _lasting() -> Iterator[Row]:
    """Every look goes wrong: the host re-attaches while a checkpoint is held, and never posts again."""
    cause = "Broken stream; every look at the run fails"
    now = {"retry-after": "0"}
    goes_on = ("stop_unconfirmed",)
    for variant, fault, code in (
        ("500", answer(500, b"", now), "unavailable"),
        ("429", answer(429, b"", now), "rate_limited"),
        ("504", answer(504, b"", now), "timeout"),
        ("reset", broken(Cut.RESET), "unavailable"),
    ):
        warnings = goes_on if code == "timeout" else ()
        want = Want(
            code=code, effect="unknown", attempts=4, partial=True, warnings=warnings
        )
        yield chat(cause, want, _BREAK, _look(fault), variant=variant)
    silent = Want(code="timeout", effect="unknown", partial=True, warnings=goes_on)
    yield chat(
        cause,
        silent,
        _BREAK,
        _look(broken(Cut.STALL)),
        variant="silence",
        retries=0,
        settings=_QUICK,
    )
    unusable = Want(code="invalid_response", effect="unknown", partial=True)
    fifty = flood(200, JSON, b" " * 65536, b'{"id":')
    for variant, fault, most in (
        ("HTML", answer(200, b"<html></html>", HTML), None),
        ("no run", answer(200, b"{}"), None),
        ("a redirect", faults.redirect(302, "{stranger}/"), None),
        ("50 MB", fifty, CUT_OFF * _LOOKS),
        (
            "a gzip bomb",
            answer(200, bomb(), {**JSON, "content-encoding": "gzip"}),
            None,
        ),
    ):
        yield chat(
            cause, unusable, _BREAK, _look(fault), variant=variant, most_megabytes=most
        )
    endless = Want(code="timeout", effect="unknown", partial=True, cancels=1)
    running = answer(200, _status("in_progress"))
    # Not the sandbox's own answer: there the run may have ended by now, and that cannot be cancelled.
    accepted = answer(200, _status("cancelling"), after_work=True)
    rules = (
        Rule("POST /v1/agent/", accepted),
        _BREAK,
        _look(running, last=3),
        _look(at_deadline(running), 4, 4),
    )
    yield chat(
        "Broken stream; the run does not end before the deadline",
        endless,
        *rules,
        _look(running, 5),
        timeout=LONG,
    )

    kept = Want(code="timeout", effect="unknown", partial=True, warnings=goes_on)
    look = _look(answer(200, _status("cancelling")))
    cause = "Broken stream; the run has an unknown status until the deadline"
    yield chat(cause, kept, _BREAK, look, timeout=0.6)
    limited = Want(code="rate_limited", effect="unknown", partial=True)
    look = _look(answer(429, b"", {"retry-after": "3600"}))
    cause = "Broken stream; a poll has to wait past the deadline"
    yield chat(cause, limited, _BREAK, look, timeout=3)


def _attached_again() -> Iterator[Row]:
    rules = (_BREAK, _look(answer(500, b"", {"retry-after": "0"}), last=_LOOKS + 2))
    want = Want(attempts=2, warnings=("recovered",))
    for listen in (False, True):
        yield chat(
            "Broken stream; the second attempt re-attaches to the run",
            want,
            *rules,
            listen=listen,
        )


ROWS = [*_passing(), *_ended(), *_lasting(), *_attached_again()]
