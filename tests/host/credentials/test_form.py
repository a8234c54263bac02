import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ErrorCode,
    Secret,
)
from tests.host.stage import CONNECTION, COUNT, TOKEN, changed, in_host, run, toy_host
from tests.toy.toy import MANIFEST, ToyPlugin


def received(connection: Any, manifest: Path = MANIFEST, **environ: str) -> Any:
    """The connection that a handler receives, else the envelope's error."""
    seen: Any = {}

    async def handler(_: Any, ctx: ActionContext) -> ActionResult:
        seen.update(ctx.connection)
        return ActionResult(output={"letters": 0})

    host = toy_host(ToyPlugin(count=handler), manifest, environ=environ)
    envelope = in_host(host, lambda host: host.run(*COUNT, connection=connection))
    assert TOKEN not in json.dumps(envelope)
    return envelope["error"] or seen


def codes(error: Any) -> dict[str, str]:
    """Pointer and code of each field of an error about credentials."""
    assert (error["code"], error["effect"]) == (ErrorCode.INVALID_CREDENTIALS, "none")
    return {field["pointer"]: field["code"] for field in error["fields"]}


def test_secret_fields_arrive_sealed_and_trimmed() -> None:
    """Passwords and write-only fields are `Secret`; whitespace around a pasted key is gone."""
    connection = received(
        {"connection_name": " Mine ", "token": f" {TOKEN}\n", "pin": 12, "shelf": 3}
    )
    assert connection["connection_name"] == "Mine"
    assert isinstance(connection["token"], Secret)
    assert connection["token"].reveal() == TOKEN
    assert connection["pin"].reveal() == "12"
    assert connection["shelf"] == "3"
    assert TOKEN not in repr(connection)


def test_a_caller_may_hand_over_sealed_secrets_and_any_mapping() -> None:
    """As an embedder that keeps keys sealed does."""
    assert (
        received(MappingProxyType({"token": Secret(TOKEN)}))["token"].reveal() == TOKEN
    )


def test_without_a_connection_the_environment_gives_one() -> None:
    """Its name says so."""
    connection = received(None, TOY_TOKEN=f" {TOKEN} ")
    assert connection["connection_name"] == "environment"
    assert connection["token"].reveal() == TOKEN


@pytest.mark.parametrize("environ", [{}, {"TOY_TOKEN": " "}])
def test_without_any_credential_the_error_names_the_variable(
    environ: dict[str, Any],
) -> None:
    """And nothing was sent."""
    error = received(None, **environ)
    assert codes(error) == {}
    assert "TOY_TOKEN" in error["user_message"]


def test_without_any_credential_or_variable_there_is_still_an_error(
    tmp_path: Path,
) -> None:
    """A connector may name no variables."""
    manifest = changed(
        tmp_path, lambda text: text.replace("env: {token: TOY_TOKEN}", "env: {}")
    )
    assert codes(received(None, manifest)) == {}


def test_a_connector_that_needs_no_credential_runs_without_one(tmp_path: Path) -> None:
    """Its form has no required field, and here no field at all."""
    manifest = changed(tmp_path, schemas={"connection": {"type": "object"}})
    assert received(None, manifest) == {}


@pytest.mark.parametrize(
    ("connection", "fields"),
    [
        ({"token": ""}, {"/token": "minLength"}),
        ({}, {"/token": "required"}),
        ({"token": TOKEN, "tokn": TOKEN}, {"/tokn": "unknown_field"}),
        (
            {"token": 5, "connection_name": "n" * 21},
            {"/token": "type", "/connection_name": "maxLength"},
        ),
        ([TOKEN], {"": "type"}),
        ({"token": f"{TOKEN}\ud800"}, {"/token": "type"}),
    ],
)
def test_a_connection_that_breaks_its_form_is_refused_field_by_field(
    connection: Any, fields: dict[str, str]
) -> None:
    """Nothing of what it holds is told."""
    assert codes(received(connection)) == fields


def test_what_is_wrong_with_the_credential_is_told_before_the_input() -> None:
    """A run without a key is refused as such."""

    async def handler(*_: object) -> ActionResult:
        raise AssertionError

    assert (
        run(handler, step=("toy", "count", {}), connection={})["error"]["code"]
        == ErrorCode.INVALID_CREDENTIALS
    )
    assert (
        run(handler, step=("toy", "count", {}), connection=CONNECTION)["error"]["code"]
        == ErrorCode.INVALID_INPUT
    )


@pytest.mark.parametrize(
    "given", [{}, {"connection_name": " "}, {"connection_name": None}]
)
def test_a_connection_that_is_given_with_the_run_needs_no_name(
    tmp_path: Path, given: Any
) -> None:
    """Only a stored one is found by it. A name that is given still counts."""
    schema = json.loads(
        (MANIFEST.parent / "schemas" / "connection.schema.json").read_text("utf-8")
    )
    schema["required"] = ["connection_name", "token"]
    schema["properties"]["connection_name"]["minLength"] = 1
    manifest = changed(tmp_path, schemas={"connection": schema})
    assert received({"token": TOKEN, **given}, manifest)["connection_name"] == "inline"
    named = received({"token": TOKEN, "connection_name": "Mine"}, manifest)
    assert named["connection_name"] == "Mine"
