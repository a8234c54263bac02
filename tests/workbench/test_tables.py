"""Tables: a file in, a plan, a run that goes on without the page, a file out."""

import csv
import io
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import Ledger
from perplexity_connector.workbench import uploads
from perplexity_connector.workbench.security import SESSION_HEADER
from perplexity_connector.workbench.uploads import Uploads
from tests.host.flows.test_flows import step
from tests.toy.toy import ToyPlugin
from tests.workbench.conftest import Bench, Serve
from tests.workbench.test_api import Paused, failed, pointers

GREET: Any = {
    "flow_version": 2,
    "inputs": {
        "type": "object",
        "required": ["who"],
        "properties": {"who": {"type": "string"}},
    },
    "steps": [step("one", "greet", {"/name": [{"input": "/who"}]}, name="")],
}
TABLE = b"who,note\nAda,first\nBob,second\n"


def send(bench: Bench, content: Any = TABLE, name: str = "people.csv") -> Any:
    """The answer to a table that is sent."""
    headers = {"Origin": bench.url, "Content-Type": "application/octet-stream"}
    path = "/api/tables"
    return bench.page.post(
        path, params={"name": name}, content=content, headers=headers
    )


def sent(bench: Bench, content: Any = TABLE, name: str = "people.csv") -> str:
    """The address of a table that was sent."""
    answer = send(bench, content, name)
    assert answer.status_code == 200, answer.text
    return f"/api/tables/{answer.json()['table']}"


def items_of(answer: httpx.Response) -> list[Any]:
    """The items of a run of a table."""
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def kept(folder: Path) -> list[str]:
    """The names of all that is kept of tables."""
    return sorted(path.name for path in (folder / "automation-host").glob("tables/*/*"))


def test_a_table_is_planned_run_handed_out_and_forgotten(
    serve: Serve, ledger: Ledger, state_folder: Path
) -> None:
    """Each row is one flow; a second run pays for nothing again. The history finds its file."""
    bench = serve(ledger=ledger)
    answer = send(bench)
    assert answer.json()["columns"] == ["who", "note"]
    table = f"/api/tables/{answer.json()['table']}"
    body = {"flow": GREET, "budget": "9.5"}
    plan = bench.post(f"{table}/plan", body)
    assert (plan["type"], plan["rows"], plan["runs"]) == ("table.planned", 2, 2)
    assert failed(bench.call("GET", f"{table}/output"), 404)
    items = items_of(bench.call("POST", f"{table}/run", body))
    assert [item["type"] for item in items] == [
        "table.planned",
        "row.finished",
        "row.finished",
        "table.finished",
    ]
    assert items[-1]["reason"] == "done"
    output = bench.call("GET", f"{table}/output")
    disposition = output.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert "-results.csv" in disposition
    rows = [*csv.DictReader(io.StringIO(output.content.decode("utf-8-sig")))]
    assert [(row["who"], row["note"]) for row in rows] == [
        ("Ada", "first"),
        ("Bob", "second"),
    ]
    assert "Hello, Ada!" in rows[0].values() or "Ada" in json.dumps(rows[0])
    again = bench.post(f"{table}/plan", {"flow": GREET, "budget": 9})
    assert (again["done"], again["runs"]) == (2, 0)
    (entry,) = bench.get("/api/history")["entries"]
    assert (entry["kind"], entry["counts"]) == ("table", {"done": 2})
    assert entry["title"].startswith("people.csv")
    shown = bench.get(f"/api/history/{entry['id']}")
    assert (table, shown["flow"]) == (f"/api/tables/{shown['table']}", GREET)
    answer = bench.call("DELETE", f"/api/history/{entry['id']}")
    assert answer.status_code == 204
    assert failed(bench.call("GET", f"{table}/output"), 404)
    assert kept(state_folder) == []


def test_a_table_goes_on_without_its_page(serve: Serve, ledger: Ledger) -> None:
    """All of its rows run; a page that comes back gets all items."""
    handler = Paused()
    bench = serve(ToyPlugin(greet=handler), ledger=ledger)
    table = sent(bench)
    headers = {"Origin": bench.url}
    body = {"flow": GREET}
    with bench.page.stream(
        "POST", f"{table}/run", json=body, headers=headers
    ) as answer:
        first = next(answer.iter_lines())
    assert failed(bench.call("POST", f"{table}/run", body), 409)
    assert failed(bench.call("GET", f"{table}/output"), 409)
    assert handler.begun.wait(20)
    handler.go_on()
    items = items_of(bench.call("GET", f"{table}/items"))
    assert items[0] == json.loads(first)
    assert (items[-1]["type"], items[-1]["reason"]) == ("table.finished", "done")
    assert failed(bench.call("GET", f"{table}/items"), 404)


def test_a_table_is_stopped_by_its_job(serve: Serve, ledger: Ledger) -> None:
    """The second time at the provider; it can be run again."""
    handler = Paused()
    bench = serve(ToyPlugin(greet=handler), ledger=ledger)
    table = sent(bench)
    headers = {"Origin": bench.url}
    with bench.page.stream(
        "POST", f"{table}/run", json={"flow": GREET}, headers=headers
    ) as answer:
        lines = answer.iter_lines()
        job = json.loads(next(lines))["job_id"]
        assert handler.begun.wait(20)
        for _ in range(2):
            assert bench.post(f"/api/runs/{job}/cancel", {}) == {"cancelled": True}
        *_, last = map(json.loads, lines)
    assert (last["type"], last["reason"]) == ("table.finished", "stopped")
    assert bench.post(f"{table}/plan", {"flow": GREET})["rows"] == 2


def test_a_template_fills_the_inputs(serve: Serve, ledger: Ledger) -> None:
    """Of JSON Lines too; a wrong one is refused before anything is sent."""
    bench = serve(ledger=ledger)
    table = sent(bench, b'{"name": "Ada"}\n', "people.JSONL")
    body = {"flow": GREET, "template": {"who": "Dr {name}"}}
    assert bench.post(f"{table}/plan", body)["runs"] == 1
    for wrong, where in (
        ({"flow": GREET, "template": {"who": 1}}, ["/template/who"]),
        ({"flow": GREET, "budget": True}, ["/budget"]),
        ({"flow": GREET, "budget": []}, ["/budget"]),
        ({"flow": GREET, "retry": "all"}, ["/retry"]),
        ({}, ["/flow"]),
    ):
        error = failed(bench.call("POST", f"{table}/plan", wrong), 400)
        assert pointers(error) == where
    wrong_flow = {"flow": {**GREET, "steps": [step("one")]}}
    for way in ("plan", "run"):
        error = failed(bench.call("POST", f"{table}/{way}", wrong_flow), 400)
        assert error["code"] == "invalid_input"


def test_a_table_that_cannot_be_used_leaves_nothing(
    bench: Bench, state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of another kind, without columns, or too large; by its length or in the end."""
    for name in ("", "x", "x.txt", "csv", "../../x.sh"):
        assert pointers(failed(send(bench, name=name), 400)) == ["/name"]
    assert failed(send(bench, b""), 400)["code"] == "invalid_input"
    assert failed(send(bench, b"a,a\n1,2\n"), 400)["code"] == "invalid_input"
    monkeypatch.setattr(uploads, "LARGEST_TABLE", len(TABLE) - 1)
    assert failed(send(bench, TABLE), 413)
    assert failed(send(bench, iter([TABLE[:9], TABLE[9:]])), 413)
    assert kept(state_folder) == []
    monkeypatch.setattr(uploads, "LARGEST_TABLE", len(TABLE))
    assert sent(bench)
    assert kept(state_folder) == ["name.txt", "table.csv"]


def test_a_page_that_leaves_while_it_sends_a_table_leaves_nothing(
    bench: Bench, state_folder: Path
) -> None:
    """Half a table is not a table."""
    tables = state_folder / "automation-host" / "tables"
    address = urlsplit(bench.url)
    headers = {
        "Host": address.netloc,
        "Origin": bench.url,
        "Content-Type": "application/octet-stream",
        "Content-Length": "1000",
        SESSION_HEADER: bench.page.headers[SESSION_HEADER],
    }
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(["POST /api/tables?name=a.csv HTTP/1.1", *lines, "", "a\n"])
    with socket.create_connection((address.hostname or "", address.port or 0)) as line:
        line.sendall(head.encode())
        while not any(tables.glob("*")):
            bench.get("/api/flow-runs")
    while any(tables.glob("*")):
        bench.get("/api/flow-runs")


def test_a_tables_body_has_a_type_that_no_form_can_send(bench: Bench) -> None:
    """No other endpoint takes it."""
    headers = {"Origin": bench.url, "Content-Type": "application/octet-stream"}
    answer = bench.page.post("/api/validate", content=b"{}", headers=headers)
    assert failed(answer, 415)
    for kind in ("application/json", "text/plain", "multipart/form-data"):
        headers = {"Origin": bench.url, "Content-Type": kind}
        answer = bench.page.post(
            "/api/tables?name=a.csv", content=b"a", headers=headers
        )
        assert failed(answer, 415)


@pytest.mark.parametrize("name", ["../../x.csv", "/etc/passwd.csv", "a\0b\n.csv"])
def test_the_name_of_a_table_is_no_path(
    bench: Bench, state_folder: Path, name: str
) -> None:
    """It is only shown. An id that was not handed out leads nowhere."""
    sent(bench, name=name)
    assert kept(state_folder) == ["name.txt", "table.csv"]
    for table in ("..", "%2e%2e", "tables", "%2e%2e%2f%2e%2e", "*", "0" * 32):
        answer = bench.call("POST", f"/api/tables/{table}/plan", {"flow": GREET})
        assert failed(answer, 404)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_may_read_tables(bench: Bench, state_folder: Path) -> None:
    """Nor may others see their names."""
    sent(bench)
    tables = state_folder / "automation-host" / "tables"
    assert {path.stat().st_mode & 0o77 for path in (tables, *tables.iterdir())} == {0}


def test_old_tables_are_removed_when_another_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After as many days as the ledger keeps content, and never before a day is over."""
    tables = Uploads(tmp_path)
    ages = {}
    for days in (0, 2, 31):
        with tables.receive("a.csv") as upload:
            upload.write(b"a\n")
        ages[days] = upload.table.path.parent
        then = time.time() - days * 24 * 3600
        os.utime(ages[days], (then, then))

    def left() -> list[int]:
        tables.remove_old()
        return [days for days, folder in ages.items() if folder.exists()]

    monkeypatch.setenv("AUTOMATION_HOST_KEEP_DAYS", "many")
    assert left() == [0, 2]
    monkeypatch.setenv("AUTOMATION_HOST_KEEP_DAYS", "0")
    assert left() == [0]


def test_a_folder_of_tables_that_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is a file, or not known at all."""
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(ConnectorError) as caught, Uploads(file).receive("a.csv"):
        pass
    assert caught.value.code == ErrorCode.INTERNAL

    def unknown() -> Path:
        raise RuntimeError

    monkeypatch.setattr(uploads, "tables_folder", unknown)
    with pytest.raises(ConnectorError) as caught:
        Uploads().find("x")
    assert caught.value.code == ErrorCode.INTERNAL
