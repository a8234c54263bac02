"""docs/connector-authors.md is true: its files, built and installed, are a connector that keeps its promises."""

import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZipFile

import pytest
from hatchling.build import build_wheel

from perplexity_connector.__main__ import main
from perplexity_connector.host import Host, SyncHost
from tests.paths import ROOT
from tests.readme_blocks import Block, blocks_of

BLOCKS = {
    block.mark: block for block in blocks_of(ROOT / "docs" / "connector-authors.md")
}
FILES = [block for block in BLOCKS.values() if block.language != "sh"]
KEY = "morse-test-good"
Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the wheel that the page's files make, as an installer unpacks it."""
    for block in FILES:
        file = tmp_path / "project" / block.mark
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.code, encoding="utf-8")
    folder = tmp_path / "site"
    monkeypatch.chdir(tmp_path / "project")
    with ZipFile(tmp_path / build_wheel(str(tmp_path))) as wheel:
        wheel.extractall(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delenv("MORSE_API_KEY", raising=False)
    yield folder
    for name in ("morse_connector", "morse_connector.sandbox"):
        sys.modules.pop(name, None)


def sandbox() -> ModuleType:
    """The page's sandbox, which is installed while a test runs."""
    return import_module("morse_connector.sandbox")


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs the action against the page's sandbox."""
    with (
        sandbox().start(pace=0) as address,
        SyncHost(settings={"morse": {"base_url": address}}, retries=0) as host,
    ):

        def encode(text: str, key: str = KEY, **options: Any) -> Any:
            connection = {"api_key": key}
            return host.run(
                "morse", "encode", {"text": text}, connection=connection, **options
            )

        yield encode


def jobs() -> list[str]:
    """The jobs that the service has begun."""
    begun: list[str] = sandbox().JOBS
    return begun


def test_the_connector_of_the_page_is_found_and_has_no_problem() -> None:
    """By its entry points; its manifest and schemas are in the wheel."""
    host = Host(connectors=["morse"])
    assert [entry["action"] for entry in host.actions()] == ["encode"]
    assert host.problems() == []
    assert "morse_connector" not in sys.modules


def test_the_command_of_the_page_shows_the_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against the sandbox that the manifest names; a real key goes nowhere."""
    command = BLOCKS["command line"].code.partition("&& ")[2]
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    monkeypatch.setenv("MORSE_API_KEY", "a-real-key")
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    out, err = capsys.readouterr()
    assert out.startswith("...---...")
    assert err.count("\n") <= 2
    assert jobs() == ["SOS"]


def test_a_job_that_exists_is_not_begun_again(run: Run) -> None:
    """A later process has the checkpoint, and pays nothing."""
    states: list[Any] = []
    run("SO", on_checkpoint=states.append)
    envelope = run("SO", resume_from=states[-1])
    assert envelope["output"] == {"content": "...---"}
    assert jobs() == ["SO"]


def test_an_answer_that_is_lost_has_an_unknown_effect(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job may have begun, so the host does not begin another one."""
    monkeypatch.setattr(sandbox().Answers, "_answer", lambda *_, **__: None)
    error = run("SOS")["error"]
    assert (error["code"], error["effect"]) == ("unavailable", "unknown")
    assert jobs() == ["SOS"]


def test_a_wrong_text_is_found_before_anything_is_sent(run: Run) -> None:
    """The check of the connector, which the schema cannot express."""
    (error,) = run("\N{SNOWMAN}")["error"]["fields"]
    assert (error["pointer"], error["code"]) == ("/text", "no_code")
    assert jobs() == []


def test_a_wrong_key_has_no_effect_and_is_never_shown(run: Run) -> None:
    """The refusal is certain to have begun nothing."""
    envelope = run("SOS", key="wrong-key")
    error = envelope["error"]
    assert (error["code"], error["effect"]) == ("invalid_credentials", "none")
    assert "wrong-key" not in str(envelope)


def test_the_package_of_the_page_and_its_manifest_have_one_version() -> None:
    """An author copies both."""
    project = tomllib.loads(BLOCKS["pyproject.toml"].code)["project"]
    assert (
        f"version: {project['version']}\n"
        in BLOCKS["morse_connector/connector.yaml"].code
    )


def test_every_file_of_the_page_is_written() -> None:
    """An empty list would make the tests above say nothing."""
    assert {type(block) for block in FILES} == {Block}
    assert len(FILES) == 7
