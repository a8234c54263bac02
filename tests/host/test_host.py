from pathlib import Path
from typing import Any

from tests.host.stage import changed, toy_host
from tests.toy.toy import ToyPlugin


def with_id(name: str, folder: Path) -> Path:
    """A copy of the toy's manifest with another id."""
    return changed(folder / name, lambda text: text.replace("id: toy", f"id: {name}"))


def test_connectors_are_the_entries_of_the_manifests_without_their_actions() -> None:
    """Connection and settings included."""
    (toy,) = [each for each in toy_host().connectors() if each["id"] == "toy"]
    assert (toy["title"], toy["version"]) == ("Toy", "1.10")
    connection: Any = toy["connection"]
    assert connection["env"] == {"token": "TOY_TOKEN"}
    assert connection["guide"][0]["title"] == "Make one up"
    settings: Any = toy["settings"]
    assert [each["name"] for each in settings] == ["greeting", "mark", "language"]
    assert "actions" not in toy


def test_connectors_are_in_order_of_id(tmp_path: Path) -> None:
    """Whenever they were registered."""
    host = toy_host()
    for name in ("zebra", "aardvark"):
        host.register(ToyPlugin(), with_id(name, tmp_path))
    ids = [str(each["id"]) for each in host.connectors()]
    assert ids == sorted(ids)
    assert {"aardvark", "toy", "zebra"} <= set(ids)


def test_a_caller_may_change_the_list_of_connectors() -> None:
    """The next caller gets a list of its own."""
    host: Any = toy_host()
    host.connectors()[0]["connection"].clear()
    assert host.connectors()[0]["connection"]
