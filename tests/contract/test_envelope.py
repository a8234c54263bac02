"""The envelope of a run."""

import dataclasses
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    Envelope,
    ErrorCode,
    FieldError,
    RunStatus,
    RunWarning,
)
from tests.paths import SCHEMAS

SCHEMA = json.loads((SCHEMAS / "envelope.schema.json").read_text(encoding="utf-8"))
COMMON: dict[str, Any] = {
    "run_id": "run_1",
    "connector": "perplexity",
    "action": "execute_search",
    "version": 1,
    "summary": "One line.",
    "usage": {"search_queries": 1},
    "attempts": 1,
    "started_at": "2026-11-24T00:00:00Z",
    "duration_ms": 12,
    "meta": {},
}
PROBLEM = FieldError(pointer="/query", code="required", message="Fill it in.")
ENVELOPES: dict[str, Any] = {
    "succeeded": Envelope(
        **COMMON,
        status=RunStatus.SUCCEEDED,
        output={"results": [], "queries": []},
        warnings=[RunWarning(code="source_gap", message="A gap.")],
    ),
    "failed": Envelope(
        **COMMON,
        status=RunStatus.FAILED,
        error=ConnectorError(
            ErrorCode.TIMEOUT, "late", effect=Effect.UNKNOWN, retry_after=0.5
        ).record(),
        partial={"content": "half"},
    ),
    "refused": Envelope(
        **COMMON | {"attempts": 0},
        status=RunStatus.FAILED,
        error=ConnectorError(ErrorCode.INVALID_INPUT, "bad", fields=[PROBLEM]).record(),
    ),
    "cancelled": Envelope(
        **COMMON,
        status=RunStatus.CANCELLED,
        error=ConnectorError(ErrorCode.CANCELLED, "stopped").record(),
    ),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_every_envelope_follows_its_schema_and_is_plain_json(name: str) -> None:
    """However a run ends, its envelope is JSON that the published schema accepts."""
    document = ENVELOPES[name].to_dict()
    assert json.loads(json.dumps(document)) == document
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []


@pytest.mark.parametrize("name", ENVELOPES)
def test_every_key_is_always_there(name: str) -> None:
    """A reader never has to ask whether a key exists."""
    names = {field.name for field in dataclasses.fields(Envelope)}
    assert ENVELOPES[name].to_dict().keys() == names == SCHEMA["properties"].keys()
    assert set(SCHEMA["required"]) <= names


def test_errors_and_warnings_are_objects() -> None:
    """Nested records come out as mappings."""
    assert ENVELOPES["refused"].to_dict()["error"]["fields"] == [
        dataclasses.asdict(PROBLEM)
    ]
    assert ENVELOPES["succeeded"].to_dict()["warnings"] == [
        {"code": "source_gap", "message": "A gap."}
    ]
    assert ENVELOPES["succeeded"].to_dict()["error"] is None
