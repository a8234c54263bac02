import asyncio
from pathlib import Path
from typing import Any, Self

import pytest
import yaml
from pydantic import TypeAdapter

from perplexity_connector.contract import ConnectorError, ErrorCode, Manifest, hookimpl
from perplexity_connector.host import Host
from perplexity_connector.host.catalogue.discovery import Installed
from perplexity_connector.host.plugins import loading
from perplexity_connector.host.plugins.manifest import load_manifest
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from tests.host.stage import CONNECTION, COUNT, GREET, TOKEN, changed, in_host, toy_host
from tests.paths import ROOT
from tests.toy.toy import Toy, ToyPlugin


class Plugin:
    """A plugin that does what it is told when a connector is asked of it."""

    def __init__(self, given: Any) -> None:
        """Give this, or raise it."""
        self.given = given

    @hookimpl
    def load_connector(self) -> Any:
        """What was given."""
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


class Misfit:
    """A plugin whose hook asks for what no host gives."""

    @hookimpl
    def load_connector(self, connector_id: str, api_key: str) -> None:
        """Nothing."""


def error_of(host: Host) -> Any:
    """The error of a run, which never raises."""
    return in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))["error"]


@pytest.mark.parametrize(
    "plugin", [Plugin(None), Plugin(RuntimeError(TOKEN)), Misfit(), object()]
)
def test_a_plugin_that_cannot_load_its_connector_is_named(plugin: object) -> None:
    """It gives none, raises, or fits no hook; the text of what it raised stays out."""
    error = error_of(toy_host(plugin))
    assert (error["code"], error["effect"]) == (ErrorCode.INTERNAL, "none")
    assert type(plugin).__name__ in error["message"]
    assert TOKEN not in str(error)


def test_a_plugins_own_error_passes() -> None:
    """A setting that it cannot use, say."""
    assert (
        error_of(toy_host(Plugin(ConnectorError(ErrorCode.UNSUPPORTED, "Not here."))))[
            "code"
        ]
        == "unsupported"
    )


def test_a_loaded_manifest_has_all_that_is_written_in_it() -> None:
    """Pydantic reads the same."""
    file = ROOT / "connector.yaml"
    written: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    installed = Installed(
        id="perplexity",
        file=file,
        document=written,
        plugin_name="perplexity",
        load_plugin=object,
    )
    assert load_manifest(installed) == TypeAdapter(Manifest).validate_python(written)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("    timeout: 10", "    timeout: 10\n    time: 3", "/actions/2/time"),
        (
            "billable: false",
            "billable: false, bill: maybe",
            "/actions/2/annotations/bill",
        ),
        ("title: Greeting, ", "title: Greeting, tip: maybe, ", "/settings/0/tip"),
    ],
)
def test_the_whole_manifest_is_checked_at_the_first_use_at_the_latest(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    """Wrong types are found before: the palette needs them. The error says file and place, and no value."""
    manifest = changed(tmp_path, lambda text: text.replace(old, new))
    try:
        error = error_of(toy_host(manifest=manifest))
    except ConnectorError as early:
        error = early.to_dict()
    assert error["code"] == ErrorCode.INTERNAL
    assert "connector.yaml" in error["message"]
    assert place in error["message"]
    assert "maybe" not in error["message"]


def test_a_connector_is_loaded_and_opened_once_for_each_host() -> None:
    """However many runs begin together; it is closed with the host, and loaded anew by the next."""
    plugin = ToyPlugin()
    host = toy_host(plugin)

    async def crowd(host: Host) -> Any:
        steps = (GREET, COUNT, GREET)
        return await asyncio.gather(
            *(host.run(*step, connection=CONNECTION) for step in steps)
        )

    assert {envelope["status"] for envelope in in_host(host, crowd)} == {"succeeded"}
    assert [toy.log for toy in plugin.loaded] == [["opened", "closed"]]
    in_host(host, crowd)
    assert len(plugin.loaded) == 2


def test_a_connector_that_nobody_runs_is_not_opened() -> None:
    """Describing and validating need no client."""
    plugin = ToyPlugin()
    host = toy_host(plugin)

    async def validate(host: Host) -> None:
        host.validate(*GREET)

    in_host(host, validate)
    assert plugin.loaded[0].log == []


def test_the_schemas_of_an_action_are_compiled_when_it_first_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once, and not those of the others."""
    compiled: list[Any] = []
    make = SchemaValidator

    def counted(schema: Any) -> Any:
        compiled.append(schema)
        return make(schema)

    async def counts(host: Host) -> list[int]:
        found = []
        for step in (GREET, GREET, COUNT):
            await host.run(*step, connection=CONNECTION)
            found.append(len(compiled))
        return found

    monkeypatch.setattr(loading, "SchemaValidator", counted)
    assert in_host(toy_host(), counts) == [2, 2, 4]


def test_a_package_that_is_replaced_while_the_host_runs_changes_no_schema(
    tmp_path: Path,
) -> None:
    """Those of an action that was not used yet are of the same release as the others."""
    manifest = changed(tmp_path)

    async def later(host: Host) -> Any:
        await host.run(*GREET, connection=CONNECTION)
        for file in (tmp_path / "schemas").iterdir():
            file.write_text("{", encoding="utf-8")
        return await host.run(*COUNT, connection=CONNECTION)

    found = in_host(toy_host(manifest=manifest), later)
    assert found["status"] == "succeeded"


class Sulky(Toy):
    """A toy that fails wherever it is told to."""

    def check(self, *args: Any) -> Any:
        """Fail if told to."""
        return self._fail("check") or super().check(*args)

    def action(self, *args: Any) -> Any:
        """Fail if told to."""
        return self._fail("action") or super().action(*args)

    async def __aenter__(self) -> Self:
        """Fail if told to."""
        self._fail("enter")
        return self

    async def __aexit__(self, *args: object) -> None:
        """Fail if told to."""
        self._fail("exit")

    def _fail(self, where: str) -> None:
        if self.settings["greeting"] == where:
            raise RuntimeError(TOKEN)


@pytest.mark.parametrize("where", ["check", "action", "enter"])
def test_a_connector_that_breaks_before_anything_is_sent_fails_the_run(
    where: str,
) -> None:
    """As internal, by the type of what it raised, with no effect and no attempt."""
    host = toy_host(Plugin(Sulky(settings={"greeting": where})))
    envelope: Any = in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))
    assert (envelope["error"]["code"], envelope["error"]["effect"]) == (
        ErrorCode.INTERNAL,
        "none",
    )
    assert envelope["attempts"] == 0
    assert TOKEN not in str(envelope)


def test_a_connector_that_fails_to_close_costs_nobody_the_answer() -> None:
    """The envelope stands."""
    host = toy_host(Plugin(Sulky(settings={"greeting": "exit"})))
    assert (
        in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))["status"]
        == "succeeded"
    )


def test_a_connector_that_lacks_an_action_of_its_manifest_says_not_found(
    tmp_path: Path,
) -> None:
    """Its own error passes, from validation as from a run."""
    host = toy_host(
        manifest=changed(
            tmp_path, lambda text: text.replace("version: 2\n", "version: 3\n")
        )
    )
    assert error_of(host)["code"] == ErrorCode.NOT_FOUND
    with pytest.raises(ConnectorError) as error:
        host.validate(*GREET)
    assert error.value.code is ErrorCode.NOT_FOUND


def test_a_host_that_is_not_open_says_so() -> None:
    """Running, streaming and closing need `async with`."""
    host = toy_host()

    async def stream() -> None:
        async for _ in host.stream(*GREET):
            raise AssertionError

    for work in (host.run(*GREET), stream(), host.__aexit__(None, None, None)):
        with pytest.raises(RuntimeError):
            asyncio.run(work)
