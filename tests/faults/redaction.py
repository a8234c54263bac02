"""Where a key might turn up: every form that it could take, and everything that a run has said."""

import base64
import json
import logging
import os
import pickle
import traceback
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from perplexity_connector.contract import ConnectorError
from tests.faults.reachable import reachable
from tests.faults.stage import Outcome


def forms(key: str) -> frozenset[str]:
    """The key as it stands: plain, backwards, in JSON, in a URL, in hexadecimal, and in base64 at any place."""
    data = key.encode()
    encoded = {form for shift in range(3) for form in _base64(data, shift)}
    escaped = {
        json.dumps(key)[1:-1],
        key.replace("/", "\\/"),
        key.replace("/", "\\u002f").replace("+", "\\u002b"),
    }
    return frozenset(
        {
            key,
            key[::-1],
            data.hex(),
            quote(key, safe=""),
            quote(key),
            quote_plus(key),
            *escaped,
            *encoded,
        }
    )


def found(key: str, texts: Iterable[str]) -> list[str]:
    """The texts that hold the key in any form."""
    wanted = forms(key)
    return [text for text in texts if any(form in text for form in wanted)]


def everything(outcome: Outcome) -> Iterator[str]:
    """All that a run has said, to whoever listens anywhere."""
    yield from said(outcome)
    yield from logged(outcome.records)


def said(outcome: Outcome) -> Iterator[str]:
    """The same without what was logged."""
    yield from told(outcome)
    yield outcome.host
    for error in outcome.errors:
        yield from of_error(error)
    for context in outcome.contexts:
        yield from reachable(context)
        yield pickle.dumps(dict(context.connection)).decode("latin-1")


def told(outcome: Outcome) -> Iterator[str]:
    """What leaves the host: the envelope, the events, the checkpoints, and what observers are given."""
    for document in (outcome.envelope, *outcome.events, *outcome.states):
        yield from (
            json.dumps(document, ensure_ascii=False),
            json.dumps(document),
            repr(document),
        )
    yield from map(repr, outcome.observed)


def logged(records: Iterable[logging.LogRecord]) -> Iterator[str]:
    """Every log record in all its parts."""
    formatter = logging.Formatter()
    for record in records:
        yield from (record.getMessage(), repr(vars(record)), formatter.format(record))


def of_error(error: BaseException) -> Iterator[str]:
    """An error as a developer, a log, a crash reporter or another process sees it, with all that led to it."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        seen.add(id(one))
        yield from (
            repr(one),
            str(one),
            repr(vars(one)),
            "".join(traceback.format_exception(one)),
        )
        if isinstance(one, ConnectorError):
            yield json.dumps(one.to_dict(), default=str)
            yield pickle.dumps(one).decode("latin-1")
        # Also where `from None` ends the chain for Python: not all who report errors stop there.
        before = (one.__cause__, one.__context__)
        waiting += [each for each in before if each and id(each) not in seen]


# Names that crash reporters hide, whatever the value is.
_HIDDEN = frozenset({"secret", "credentials", "api_key", "password", "token"})


def variables(error: BaseException) -> Iterator[str]:
    """Every variable of the frames that an error went through, as a crash reporter shows it; not the tests' own."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if f"{os.sep}tests{os.sep}" in frame.f_code.co_filename:
            continue
        for name, value in frame.f_locals.items():
            if name not in _HIDDEN:
                yield f"{frame.f_code.co_qualname}.{name}={value!r}"


def _base64(data: bytes, shift: int) -> Iterator[str]:
    """The part of the encoded key that is the same whatever stands before and after it."""
    encoded = base64.b64encode(bytes(shift) + data).decode()
    inner = encoded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
    yield from (inner, inner.replace("+", "-").replace("/", "_"))
