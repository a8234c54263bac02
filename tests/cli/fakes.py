"""A host that plays what a test tells it to, and the envelopes it plays."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from perplexity_connector.contract import (
    ActionDescription,
    AnnotationsDocument,
    ConnectorDocument,
    ConnectorError,
    Hint,
    PaletteEntry,
    ProblemDocument,
    SandboxDocument,
)
from perplexity_connector.host import HostOptions
from perplexity_connector.host.ledger.entries import FencedError, LedgerError, NewRun
from tests.cli.ledger import FakeLedger, end_of

Document = dict[str, Any]
ANNOTATIONS: AnnotationsDocument = {
    "read_only": True,
    "destructive": False,
    "idempotent": False,
    "open_world": False,
    "billable": False,
}

INPUT_SCHEMA: Document = {
    "type": "object",
    "required": ["query"],
    "properties": {
        "query": {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
            ],
            "description": "What to look for.",
        },
        "stream": {"type": "boolean"},
        "size": {"type": "string", "enum": ["small", "xl"]},
        "options": {"type": "object", "properties": {"depth": {"type": "integer"}}},
        "messages": {
            "type": "array",
            "items": {"type": "object", "properties": {"content": {"type": "string"}}},
        },
    },
}

SANDBOX: SandboxDocument = {
    "start": "tests.cli.fakes:sandbox",
    "settings": {"base_url": "{address}/v1", "retries": "0"},
    "connection": {"api_key": "test-good", "account": "any"},
    "test_prefixes": {"api_key": "test-"},
    "test_connections": [],
}


@contextmanager
def sandbox(*, pace: float) -> Iterator[str]:
    """A sandbox that serves nothing; its address says the pace."""
    yield f"http://127.0.0.1:9/{pace}"


DESCRIPTION: ActionDescription = {
    "connector": {
        "id": "toy",
        "version": "1.0.0",
        "title": "Toy",
        "summary": "Looks and hears.",
        "icon": "https://toy.example/icon.svg",
        "categories": [],
        "links": {},
        "settings": [
            {"name": "base_url", "title": "Base URL", "description": "Its address."}
        ],
        "connection": {
            "schema": "connection.json",
            "env": {"api_key": "TOY_KEY"},
            "guide": [
                {"title": "Sign in", "text": "Do it", "link": "https://toy.example"}
            ],
        },
        "sandbox": SANDBOX,
    },
    "action": {
        "id": "look",
        "version": 1,
        "title": "Look",
        "summary": "Looks.",
        "input": "input.json",
        "output": "output.json",
        "events": None,
        "streaming": True,
        "annotations": ANNOTATIONS,
        "timeout": 60,
        "options": {},
        "labels": {},
        "author_schemas": {},
        "command": None,
    },
    "schemas": {
        "connection": {},
        "event": None,
        "input": INPUT_SCHEMA,
        "output": {
            "properties": {
                "content": {"type": "string", "description": "What was seen."}
            }
        },
    },
    "labels": {"/size": {"small": "Small", "xl": "Extra large"}},
    "examples": [{"query": "moon"}],
}

ENTRY: PaletteEntry = {
    "connector": "toy",
    "action": "look",
    "version": 1,
    "title": "Look",
    "summary": "Looks.",
    "icon": "https://toy.example/icon.svg",
    "categories": [],
    "streaming": True,
    "annotations": ANNOTATIONS,
    "timeout": 60,
    "command": None,
}


def envelope(**parts: object) -> Any:
    """The envelope of a run that succeeded with `{}`, with other parts as given."""
    return {
        "run_id": "run_fake",
        "connector": "toy",
        "action": "look",
        "version": 1,
        "status": "succeeded",
        "output": {},
        "error": None,
        "partial": None,
        "summary": "",
        "usage": {},
        "warnings": [],
        "attempts": 1,
        "started_at": "2026-01-01T00:00:00.000+00:00",
        "duration_ms": 1234,
        "meta": {},
    } | parts


def error_record(code: str, **parts: object) -> Any:
    """An error with that code, with other parts as given."""
    return {
        "code": code,
        "message": "It went wrong.",
        "user_message": "It went wrong.",
        "retryable": False,
        "effect": "none",
        "retry_after": None,
        "resets_at": None,
        "fields": [],
        "partial": None,
        "http_status": None,
        "provider_code": None,
        "request_id": None,
        "docs_url": None,
        "repeatable": False,
    } | parts


def failed(code: str, **parts: object) -> Any:
    """The envelope of a run that failed with that code; `partial` goes to the envelope, the rest to its error."""
    partial = parts.pop("partial", None)
    error = error_record(code, **parts)
    return envelope(status="failed", output=None, error=error, partial=partial)


def stopped(**parts: object) -> Any:
    """The envelope of a run that was stopped; parts as in `failed`."""
    warnings = parts.pop("warnings", [])
    code = str(parts.pop("code", "cancelled"))
    words = {"user_message": "The run was stopped.", "effect": "unknown"} | parts
    return failed(code, **words) | {"status": "cancelled", "warnings": warnings}


def finished(envelope: Document) -> Document:
    """The last item of a stream."""
    return {"type": "run.finished", "envelope": envelope}


class Recording:
    """Writes a run as a host does: what fails there disturbs the run in nothing."""

    def __init__(
        self, ledger: FakeLedger | None, what: tuple[Any, ...], how: Document
    ) -> None:
        """Begin a run, or go on with one."""
        self._how = how
        self._ledger = ledger
        self._is_followed = bool(how.get("resume_from"))
        if ledger is None:
            return
        connection = how.get("connection")
        new = NewRun(
            run_id=how["run_id"],
            connector=what[0],
            action=what[1],
            version=how["version"],
            connection=connection if isinstance(connection, str) else None,
            input=what[2],
        )
        known = how.get("resume_from")
        begun = ledger.resume_run(new.run_id) if known else ledger.begin_run(new)
        try:
            self._claim = begun.result()
        except LedgerError:
            self._ledger = None

    def checkpoint(self, state: Document) -> None:
        """Keep a checkpoint, and hand it out."""
        self._is_followed = bool(state)
        if self._ledger:
            self._ledger.checkpoint(self._claim, state)
        if keep := self._how["on_checkpoint"]:
            keep(state)

    def ended(self, item: Document) -> Document:
        """Write the end, if the item is an envelope."""
        if self._ledger and "type" not in item:
            end = end_of(item, is_followed=self._is_followed)  # type: ignore[arg-type] # an envelope
            self._ledger.end_run(self._claim, end)
        return item


@dataclass
class FakeHost:
    """Stands in for `Host`.

    `script` is the events and the envelope of a run; a callable in it is called in its turn. With
    `state` the run has that checkpoint, and with it or `has_own_ids` the id of the command. With a
    `ledger` it is recorded there. A run that is cancelled ends with `end_of_stopped` instead.
    """

    script: Sequence[Document | Callable[[], None]] = field(
        default_factory=lambda: [envelope()]
    )
    entries: Sequence[Any] = (ENTRY,)
    description: Any = field(default_factory=lambda: DESCRIPTION)
    faults: Sequence[ProblemDocument] = ()
    advice: Sequence[Hint] | ConnectorError = ()
    options: list[HostOptions] = field(default_factory=list)
    runs: list[tuple[str, tuple[Document, ...], Document]] = field(default_factory=list)
    has_own_ids: bool = False
    ledger: FakeLedger | None = None
    closed: int = 0
    state: Document = field(default_factory=dict)
    end_of_stopped: Document = field(default_factory=stopped)
    cancelled: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        """Open: nothing to do."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Count that it was closed."""
        self.closed += 1

    def actions(self) -> list[PaletteEntry]:
        """The palette given."""
        return list(self.entries)

    def connectors(self) -> list[ConnectorDocument]:
        """The connector of the description, if the palette has any entry."""
        return [self.describe()["connector"]] if self.entries else []

    def problems(self) -> list[ProblemDocument]:
        """The faults given."""
        return list(self.faults)

    def describe(self, *_: str) -> ActionDescription:
        """The description given, or the error."""
        if isinstance(self.description, ConnectorError):
            raise self.description
        description: ActionDescription = self.description
        return description

    def hints(self, *_: object, version: int) -> list[Hint]:
        """The hints given, or the error."""
        del version
        if isinstance(self.advice, ConnectorError):
            raise self.advice
        return list(self.advice)

    async def run(self, *what: Document, **how: object) -> Document:
        """The last of the script."""
        items = [item async for item in self._play("run", what, how)]
        return items[-1]

    async def stream(self, *what: Document, **how: object) -> AsyncIterator[Document]:
        """The script, item by item; the envelope as the last item of a stream."""
        async for item in self._play("stream", what, how):
            yield item if "type" in item else finished(item)

    async def stream_table(
        self, *what: Document, **how: object
    ) -> AsyncIterator[Document]:
        """The script, item by item."""
        self.runs.append(("table", what, how))
        for item in self.script:
            if isinstance(item, dict):
                yield item
            else:
                item()
                await asyncio.sleep(0)

    async def stream_flow_table(
        self, *what: Document, **how: object
    ) -> AsyncIterator[Document]:
        """The same for a flow."""
        async for item in self.stream_table(*what, **how):
            self.runs[-1] = ("flow table", what, how)
            yield item

    async def write_table(self, *what: Any, **how: object) -> Document:
        """The end of the script."""
        self.runs.append(("write", what, how))
        end = self.script[-1]
        assert isinstance(end, dict)
        return end

    def cancel(self, run_id: str) -> bool:
        """Cancel the run, if there is one."""
        self.cancelled.append(run_id)
        return bool(self.runs)

    async def _play(
        self, kind: str, what: tuple[Document, ...], how: Document
    ) -> AsyncIterator[Document]:
        self.runs.append((kind, what, how))
        run_id = {"run_id": how["run_id"]}
        try:
            record = Recording(self.ledger, what, how)
        except FencedError:
            yield failed("unavailable", retryable=True) | run_id
            return
        has_id = self.has_own_ids or bool(self.state)
        if self.state:
            record.checkpoint(self.state)
        for item in self.script:
            if isinstance(item, dict):
                yield record.ended(
                    item | run_id if "type" not in item and has_id else item
                )
            else:
                item()
                await asyncio.sleep(0)
            if self.cancelled:
                yield record.ended(self.end_of_stopped | run_id)
                return

    @property
    def input(self) -> Document:
        """The input of the last run."""
        return self.runs[-1][1][2]
