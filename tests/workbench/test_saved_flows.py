"""Saved flows: files by name, over the wire and by themselves."""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from filelock import FileLock

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.workbench import saved_flows
from perplexity_connector.workbench.saved_flows import SavedFlows
from tests.host.flows.test_flows import flow, step
from tests.workbench.conftest import Bench
from tests.workbench.test_api import failed

FLOW = flow(step("one", name="Ada"))


def at(name: str) -> str:
    """The address of a saved flow."""
    return f"/api/flow?name={quote(name, safe='')}"


def saved(bench: Bench, name: str, document: Any = FLOW, **more: Any) -> Any:
    """What saving a flow gives."""
    answer = bench.call("PUT", at(name), {"flow": document, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(bench: Bench) -> list[str]:
    """The saved flows, as they are listed."""
    return [one["name"] for one in bench.get("/api/flows")["flows"]]


def test_a_flow_is_saved_listed_opened_renamed_and_removed(bench: Bench) -> None:
    """Under a name of any script."""
    assert bench.get("/api/flows") == {"flows": []}
    assert saved(bench, "Déjà vu 東京") == {"name": "Déjà vu 東京"}
    saved(bench, "briefing")
    first, second = bench.get("/api/flows")["flows"]
    assert (first["name"], second["name"]) == ("briefing", "Déjà vu 東京")
    assert (first["steps"], first["changed_at"] > 1_600_000_000_000) == (1, True)
    assert bench.get(at("briefing")) == {"name": "briefing", "flow": FLOW}
    answer = bench.call("PATCH", at("briefing"), {"name": "Daily"})
    assert answer.json() == {"name": "Daily"}
    assert names(bench) == ["Daily", "Déjà vu 東京"]
    answer = bench.call("DELETE", at("Daily"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert names(bench) == ["Déjà vu 東京"]


def test_a_name_in_use_is_refused_unless_it_is_to_be_replaced(bench: Bench) -> None:
    """One that differs only in case is never replaced: some systems have one file for both."""
    saved(bench, "Daily")
    other = flow()
    for more in ({}, {"replace": False}, {"replace": "yes"}):
        assert failed(bench.call("PUT", at("Daily"), {"flow": other, **more}), 409)
    for name in ("daily", "DAILY"):
        body = {"flow": other, "replace": True}
        assert failed(bench.call("PUT", at(name), body), 409)
    assert bench.get(at("Daily"))["flow"] == FLOW
    saved(bench, "Daily", other, replace=True)
    assert bench.get(at("Daily"))["flow"] == other
    saved(bench, "Other")
    assert failed(bench.call("PATCH", at("Other"), {"name": "daily"}), 409)
    assert bench.call("PATCH", at("Daily"), {"name": "DAILY"}).status_code == 200
    assert names(bench) == ["DAILY", "Other"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "C:x",
        ".hidden",
        "x.",
        " x",
        "x ",
        "a\nb",
        "a\0b",
        "a\u202eb",
        "\ud800",
        "con",
        "NUL",
        "Com1.x",
        "LPT² ",
        "conin$",
        "a*",
        "a?b",
        'a"b',
        "x" * 201,
        "東" * 67,
    ],
)
def test_a_name_that_not_every_system_allows_is_refused(
    tmp_path: Path, name: str
) -> None:
    """And makes no file, there or elsewhere."""
    flows = SavedFlows(tmp_path / "flows")
    flows.write("Mine", FLOW, replace=False)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConnectorError) as written:
        flows.write(name, FLOW, replace=True)
    with pytest.raises(ConnectorError) as renamed:
        flows.rename("Mine", name)
    for caught in (written, renamed):
        assert [field.pointer for field in caught.value.fields] == ["/name"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["console", "com10", "a.b", "x" * 200, "東" * 66])
def test_a_name_that_every_system_allows_is_kept(tmp_path: Path, name: str) -> None:
    """To the byte."""
    flows = SavedFlows(tmp_path)
    assert flows.write(name, FLOW, replace=False) == name
    assert (tmp_path / f"{name}.json").is_file()


def test_a_name_that_is_not_in_the_list_opens_nothing(bench: Bench) -> None:
    """Nor is it changed or run: a client's text is never a path."""
    saved(bench, "Mine")
    (bench.flows.parent / "secret.json").write_text("{}")
    for name in ("../secret", "..", "none", "Mine.json", "mine", "\0"):
        calls: list[tuple[str, str, Any]] = [
            ("GET", at(name), None),
            ("PATCH", at(name), {"name": "x"}),
            ("DELETE", at(name), None),
            ("POST", "/api/runs", {"flow": FLOW, "name": name}),
        ]
        for method, path, body in calls:
            assert failed(bench.call(method, path, body), 404)["code"] == "not_found"


def test_both_ways_to_write_a_letter_are_one_name(tmp_path: Path) -> None:
    """As on systems that write an accent apart."""
    flows = SavedFlows(tmp_path)
    apart, joined = "e\u0301", "\u00e9"
    assert flows.write(apart, FLOW, replace=False) == joined
    assert flows.read(apart) == flows.read(joined) == FLOW
    flows.remove(joined)
    (tmp_path / f"{apart}.json").write_text("{}")
    assert [one["name"] for one in flows.all()] == [joined]
    assert flows.read(joined) == {}
    with pytest.raises(ConnectorError):
        flows.write(joined, FLOW, replace=False)
    assert flows.write(joined, FLOW, replace=True) == joined
    assert len(flows.all()) == 1


def test_a_file_that_is_no_flow_is_listed_and_not_opened(bench: Bench) -> None:
    """Files of other kinds are not listed."""
    saved(bench, "Mine")
    folder = bench.flows
    (folder / "broken.json").write_text("{")
    (folder / "list.json").write_text("[1]")
    (folder / "odd.json").write_text('{"steps": 3}')
    (folder / "note.txt").write_text("x")
    (folder / ".Mine.json.new").write_text("x")
    (folder / "folder.json").mkdir()
    listed = {one["name"]: one["steps"] for one in bench.get("/api/flows")["flows"]}
    assert listed == {"Mine": 1, "broken": 0, "list": 0, "odd": 0}
    for name in ("broken", "list"):
        assert failed(bench.call("GET", at(name)), 400)["code"] == "invalid_input"


def test_a_saved_flow_is_the_file_that_run_flow_takes(tmp_path: Path) -> None:
    """With the letters as they are; half of a character too."""
    flows = SavedFlows(tmp_path)
    document = flow(step("one", name="東 \ud800"))
    flows.write("a", document, replace=False)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "東" in text
    assert json.loads(text) == flows.read("a") == document
    assert flows.source("a") == str((tmp_path / "a.json").resolve())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_may_read_saved_flows(tmp_path: Path) -> None:
    """Folder and files."""
    folder = tmp_path / "flows"
    SavedFlows(folder).write("a", FLOW, replace=False)
    modes = {path.stat().st_mode & 0o77 for path in (folder, *folder.iterdir())}
    assert modes == {0}


def test_a_run_of_a_saved_flow_names_its_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that `run-flow` finds it as the last run of the file; the page may give more."""
    saved(bench, "Mine")
    given: list[Any] = []

    async def stream_flow(document: Any, **options: Any) -> Any:
        given.append((document, options))
        yield {"type": "flow.finished", "status": "succeeded"}

    monkeypatch.setattr(bench.host, "stream_flow", stream_flow)
    flow_id = f"flow_{'b' * 32}"
    part = {"inputs": {"a": 1}, "outputs": {"one": 2}}
    body = {"flow": FLOW, "name": "Mine", "flow_id": flow_id, "only": "one", **part}
    bench.call("POST", "/api/runs", body)
    source = str((bench.flows / "Mine.json").resolve())
    assert given == [
        (FLOW, {"flow_id": flow_id, "source": source, "only": "one", **part})
    ]
    bench.call("POST", "/api/runs", {"flow": FLOW, "from": "one", "outputs": flow_id})
    options = given[1][1]
    assert options.pop("flow_id") != flow_id
    assert options == {"from_step": "one", "outputs": flow_id}


def test_a_folder_that_cannot_be_used_is_an_error_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is a file, is locked for long, or is not known at all."""
    file = tmp_path / "file"
    file.write_text("x")
    flows = SavedFlows(file / "flows")
    with pytest.raises(ConnectorError) as caught:
        flows.write("a", FLOW, replace=False)
    assert caught.value.code == ErrorCode.INTERNAL
    monkeypatch.setattr(saved_flows, "_LONGEST_WAIT_S", 0)
    with FileLock(tmp_path / ".lock"), pytest.raises(ConnectorError) as caught:
        SavedFlows(tmp_path).write("a", FLOW, replace=False)
    assert caught.value.code == ErrorCode.UNAVAILABLE

    def unknown() -> Path:
        raise RuntimeError

    monkeypatch.setattr(saved_flows, "flows_folder", unknown)
    with pytest.raises(ConnectorError) as caught:
        SavedFlows().all()
    assert caught.value.code == ErrorCode.INTERNAL


def test_the_folder_is_the_users_without_another(
    state_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`AUTOMATION_HOST_FLOWS` chooses another, else it is in the folder of all files of the hosts."""
    SavedFlows().write("a", FLOW, replace=False)
    assert (state_folder / "automation-host" / "flows" / "a.json").is_file()
    monkeypatch.setenv("AUTOMATION_HOST_HOME", str(tmp_path / "home"))
    SavedFlows().write("b", FLOW, replace=False)
    assert (tmp_path / "home" / "flows" / "b.json").is_file()
    monkeypatch.setenv("AUTOMATION_HOST_FLOWS", str(tmp_path / "mine"))
    SavedFlows().write("c", FLOW, replace=False)
    assert (tmp_path / "mine" / "c.json").is_file()
