"""What only a search meets: nested, null and missing results, bodies cut short, several queries with one at fault."""

import random
from collections.abc import Iterator

from tests.faults import edits
from tests.faults.faults import Cut, answer, at_deadline, broken, cut_bytes, rewritten
from tests.faults.proxy import Rule
from tests.faults.row import LONG, Row, Want, search

_UNUSABLE = Want(code="invalid_response", effect="unknown")
_THREE = ("moon", "jupiter", "apollo")


def _rule(fault: object, first: int = 1, last: int = 1_000_000) -> Rule:
    return Rule("POST /search", fault, first, last)  # type: ignore[arg-type]


def _shapes() -> Iterator[Row]:
    yield search("Nested search results", Want(), words="sandbox:nested")
    yield search("Nothing found", Want(whole=False), words="sandbox:empty")
    kept = {
        "dates": edits.search_rows(
            lambda row: row | {"date": None, "last_updated": None}
        ),
        "absent": edits.search_rows(lambda row: {"url": row["url"]}),
        "all fields": edits.search_rows(dict.fromkeys),
        "other types": edits.search_rows(
            lambda row: row | {"title": 7, "date": {"a": 1}, "snippet": ["x"]}
        ),
        "no id": edits.search(id=None),
        "more than we know": edits.search(new={"a": [1]}, server_time=None),
    }
    for variant, change in kept.items():
        cause, rule = (
            "Null, missing and odd fields of results",
            _rule(rewritten(change)),
        )
        yield search(cause, Want(whole=False), rule, variant=variant)
    mixed = _rule(rewritten(edits.search_mixed))
    yield search("Other things among the results", Want(), mixed)
    null = edits.search(results=None, id="x")
    empty = Want(whole=False)
    yield search(
        "Null in place of an empty list of results", empty, _rule(rewritten(null))
    )
    for variant, change in {
        "object": edits.search(results={}),
        "text": edits.search(results="none"),
        "absent": lambda _: b'{"id":"x"}',
    }.items():
        yield search(
            "No results in the answer",
            _UNUSABLE,
            _rule(rewritten(change)),
            variant=variant,
        )


def _cuts() -> Iterator[Row]:
    places = random.Random(20261124)  # noqa: S311 - the same places every time
    counts = [0, 1, *(places.randrange(2, 900) for _ in range(6))]
    lost = Want(code="unavailable", effect="unknown", attempts=4, billed=4)
    for by in (Cut.RESET, Cut.CLOSE):
        for count in counts:
            yield search(
                "Search body cut off",
                lost,
                _rule(cut_bytes(by, count)),
                variant=f"{by} {count}",
            )
            once = _rule(cut_bytes(by, count), last=1)
            cause = "Search body cut off once, then an answer"
            yield search(
                cause, Want(attempts=2, billed=2), once, variant=f"{by} {count}"
            )
    for count in counts:
        yield search(
            "Search body ended early",
            _UNUSABLE,
            _rule(cut_bytes(Cut.END, count)),
            variant=str(count),
        )


def _several() -> Iterator[Row]:
    now = {"retry-after": "0"}
    broken_off, refused = broken(Cut.RESET), answer(403)
    good = Want(billed=3, attempts=2)
    for variant, fault in {"503": answer(503, b"", now), "reset": broken_off}.items():
        once = _rule(fault, last=1)
        yield search(
            "One query of three fails once: only it is repeated",
            good,
            once,
            variant=variant,
            queries=_THREE,
        )
    limited = answer(429, b"", now)
    for times in (1, 4):
        yield search(
            "One query of three is refused with 429: the action sends it again",
            Want(billed=3),
            _rule(limited, last=1),
            # The two other queries come second and third.
            *([_rule(limited, first=4, last=2 + times)] if times > 1 else []),
            variant=f"{times} times",
            queries=_THREE,
        )
    gone = Want(code="rate_limited", effect="none", attempts=2, billed=0)
    yield search(
        "Every query of three is refused with 429",
        gone,
        _rule(limited),
        queries=_THREE,
        retries=1,
    )
    partly = Want(warnings=("query_failed",), billed=2, whole=False)
    yield search(
        "One query of three is refused", partly, _rule(refused, last=1), queries=_THREE
    )
    page = answer(200, b"<html></html>", {"content-type": "text/html"})
    yield search(
        "One query of three has no usable answer",
        partly,
        _rule(page, last=1),
        queries=_THREE,
    )
    lasting = Want(warnings=("query_failed",), attempts=4, billed=2, whole=False)
    rules = (
        _rule(answer(503, b"", now), last=1),
        _rule(answer(503, b"", now), first=4),
    )
    yield search(
        "One query of three fails on every attempt", lasting, *rules, queries=_THREE
    )
    none = Want(code="unavailable", effect="unknown", attempts=4, billed=0)
    yield search(
        "All queries fail on every attempt",
        none,
        _rule(answer(503, b"", now)),
        queries=_THREE,
    )
    late = Want(warnings=("query_failed",), billed=2, whole=False)
    stalled = _rule(at_deadline(broken(Cut.STALL), answered=2), last=1)
    cause = "One query of three is still silent at the deadline"
    yield search(cause, late, stalled, queries=_THREE, timeout=LONG)


ROWS = [*_shapes(), *_cuts(), *_several()]
