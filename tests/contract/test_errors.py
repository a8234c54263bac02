"""Errors as data."""

import copy
import dataclasses
import json
import pickle
from typing import Any

import pytest

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    ErrorRecord,
    FieldError,
)
from tests.paths import SCHEMAS

ENVELOPE = SCHEMAS / "envelope.schema.json"
RETRYABLE = {"rate_limited", "unavailable", "timeout"}
PROBLEM = FieldError(pointer="/model", code="required", message="Fill it in.")


def full() -> ConnectorError:
    """An error with every part set."""
    return ConnectorError(
        ErrorCode.RATE_LIMITED,
        "for the log",
        user_message="for people",
        effect=Effect.UNKNOWN,
        retry_after=1.5,
        resets_at=1790000000.0,
        fields=[PROBLEM],
        partial={"content": "half"},
        http_status=429,
        provider_code="request_rate_limit_exceeded",
        request_id="11111111-2222-4333-8444-555555555555",
        docs_url="https://docs.example",
        cause="budget",
    )


@pytest.mark.parametrize("code", ErrorCode)
def test_retryable_is_a_matter_of_the_code_unless_the_connector_knows_better(
    code: ErrorCode,
) -> None:
    """Exactly rate limits, outages and time-outs may pass by themselves, whatever their effect."""
    for effect in Effect:
        error = ConnectorError(code, "x", effect=effect)
        assert error.retryable is (code.value in RETRYABLE)
        for known in (True, False):
            error = ConnectorError(code, "x", effect=effect, retryable=known)
            assert error.retryable is error.to_dict()["retryable"] is known
            assert error.repeatable is (known and effect is Effect.NONE)
            back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
            assert back.to_dict() == error.to_dict()


def test_the_codes_are_those_of_the_contract() -> None:
    """Hosts branch on these thirteen."""
    assert {code.value for code in ErrorCode} == RETRYABLE | {
        "invalid_input",
        "invalid_credentials",
        "permission_denied",
        "quota_exhausted",
        "unsupported",
        "not_found",
        "upstream_failed",
        "invalid_response",
        "cancelled",
        "internal",
    }


def test_what_is_left_out_is_unknown() -> None:
    """An error needs no more than a code and a message; the user is told the message then."""
    error = ConnectorError(ErrorCode.INTERNAL, "x")
    assert error.to_dict() == {
        "code": "internal",
        "message": "x",
        "user_message": "x",
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
        "cause": None,
    }


def test_an_error_as_data_has_every_part() -> None:
    """`to_dict` is plain JSON with enums as their values and field errors as objects."""
    document = full().to_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["code"] == "rate_limited"
    assert document["effect"] == "unknown"
    assert document["fields"] == [
        {"pointer": "/model", "code": "required", "message": "Fill it in."}
    ]
    assert document["partial"] == {"content": "half"}
    assert None not in document.values()


def test_dict_record_and_schema_have_the_same_keys() -> None:
    """The envelope's schema knows every part of an error. An older envelope lacks the newest ones."""
    branches = json.loads(ENVELOPE.read_text(encoding="utf-8"))["properties"]["error"][
        "anyOf"
    ]
    schema = next(branch for branch in branches if "properties" in branch)
    keys = set(full().to_dict())
    assert keys == {field.name for field in dataclasses.fields(ErrorRecord)}
    assert keys == set(schema["properties"])
    assert keys == set(schema["required"]) | {"repeatable", "cause"}


def test_the_text_of_an_error_is_its_message_and_that_of_its_first_field() -> None:
    """A log or a traceback that only formats the exception says what is wrong, and where."""
    assert full().message == "for the log"
    assert str(full()) == "for the log /model: Fill it in."
    whole = FieldError(pointer="", code="type", message="Must be an object.")
    error = ConnectorError(ErrorCode.INVALID_INPUT, "No.", fields=[whole])
    assert str(error).endswith(whole.message)
    assert str(ConnectorError(ErrorCode.TIMEOUT, "Too late.")) == "Too late."


def test_the_text_of_a_broken_error_is_its_message() -> None:
    """A foreign connector may fill in anything."""
    odd: Any = ["not a field"]
    assert str(ConnectorError(ErrorCode.INTERNAL, "No.", fields=odd)) == "No."


@pytest.mark.parametrize("code", ErrorCode)
@pytest.mark.parametrize("retryable", [False, True])
def test_an_error_may_say_that_its_cause_differs_from_its_code(
    code: ErrorCode, retryable: bool
) -> None:
    """Such as a certificate that is not trusted; a pickle keeps it."""
    error = ConnectorError(code, "x", retryable=retryable)
    assert error.retryable is retryable
    assert error.to_dict()["retryable"] is retryable
    assert pickle.loads(pickle.dumps(error)).retryable is retryable  # noqa: S301 - our own bytes


def test_the_record_equals_the_error() -> None:
    """`record` and `to_dict` are two views of one thing."""
    assert full().record().to_dict() == full().to_dict()
    assert full().record().fields == (PROBLEM,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_keeps_every_part(protocol: int) -> None:
    """Engines that run steps in other processes get the whole error back."""
    back = pickle.loads(pickle.dumps(full(), protocol))  # noqa: S301 - our own bytes
    assert type(back) is ConnectorError
    assert back.to_dict() == full().to_dict()
    assert back.args == full().args


def test_the_usage_of_an_error_is_kept_beside_its_data() -> None:
    """The envelope shows it; the error's own keys stay as they are. A pickle keeps it."""
    error = ConnectorError(ErrorCode.TIMEOUT, "Too late.", usage={"total_tokens": 3})
    assert "usage" not in error.to_dict()
    assert full().usage is None
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert back.usage == {"total_tokens": 3}


def test_an_error_with_a_note_pickles_too() -> None:
    """`add_note`, which frameworks use freely, does not break the way back."""
    error = full()
    error.add_note("while running step 3")
    assert pickle.loads(pickle.dumps(error)).to_dict() == full().to_dict()  # noqa: S301 - our own bytes


def test_a_copy_keeps_every_part() -> None:
    """Copying an error loses nothing."""
    assert copy.copy(full()).to_dict() == full().to_dict()


def test_repr_shows_neither_input_nor_answer() -> None:
    """A repr lands in logs: it tells the code, the effect and the HTTP status."""
    error = ConnectorError(
        ErrorCode.INVALID_INPUT,
        "SENTINEL",
        user_message="SENTINEL",
        fields=[FieldError(pointer="/SENTINEL", code="x", message="SENTINEL")],
        partial={"content": "SENTINEL"},
        provider_code="SENTINEL",
        request_id="SENTINEL",
        http_status=400,
    )
    assert (
        repr(error)
        == "ConnectorError(code='invalid_input', effect='none', http_status=400)"
    )
