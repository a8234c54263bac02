from pathlib import Path

import pytest

from perplexity_connector.contract import Secret
from perplexity_connector.host.environment import (
    keep_days,
    ledger_folder,
    records_content,
)
from perplexity_connector.host.ledger import address as module
from perplexity_connector.host.ledger.address import Address, find_address, shown

WORD = "sentinel-password"


def test_a_ledger_is_a_file_in_the_state_folder_of_the_user(tmp_path: Path) -> None:
    """The same for all hosts of this user, as the stored connections are."""
    found = find_address(None, {"AUTOMATION_HOST_HOME": str(tmp_path)})
    assert found.file == tmp_path / "ledger.sqlite"
    assert (found.place, found.is_local) == (str(found.file), True)
    assert ledger_folder({}).name == "automation-host"


def test_a_url_comes_before_the_environment_and_the_file(tmp_path: Path) -> None:
    """Of the two URLs, the one that the program gives."""
    environ = {"AUTOMATION_HOST_HOME": str(tmp_path)}
    environ["AUTOMATION_HOST_LEDGER"] = "postgresql://db/ours"
    assert find_address(None, environ).place == "postgresql://db/ours"
    assert find_address("sqlite:////x/y", environ).place == "sqlite:////x/y"


def test_a_user_without_a_home_folder_has_no_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which is found out when the ledger is opened."""

    def fail(_: object) -> Path:
        raise RuntimeError

    monkeypatch.setattr(module, "ledger_folder", fail)
    assert find_address(None, {}) == Address()
    assert Address().place == "the home folder"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"postgresql://me:{WORD}@db:5432/ours", "postgresql://db:5432/ours"),
        (f"postgresql://me:a/{WORD}@db/ours", "postgresql://db/ours"),
        (f"postgresql:///ours?password={WORD}&host=/run", "postgresql:///ours"),
        (f"postgresql://me:a@{WORD}@db/ours", "postgresql://…"),
        (f"postgresql://me:a?{WORD}@db/ours", "postgresql://…"),
        (f"postgresql://db/ours?password=a@{WORD}", "postgresql://…"),
        (f"postgresql://me:{WORD}", "postgresql://…"),
        (f"{WORD}", "AUTOMATION_HOST_LEDGER"),
        (f"{WORD} x://", "AUTOMATION_HOST_LEDGER"),
        ("sqlite:////home/me/l.sqlite", "sqlite:////home/me/l.sqlite"),
    ],
)
def test_the_place_of_a_url_holds_no_password(url: str, place: str) -> None:
    """Also where it is not certain which part is the password."""
    address = Address(url=Secret(url))
    assert shown(url) == address.place == place
    assert WORD not in repr(address) + repr(address.key)


def test_ledgers_with_different_passwords_are_not_shared() -> None:
    """One of the passwords may be wrong."""
    keys = {Address(url=Secret(f"postgresql://me:{n}@db/x")).key for n in (1, 2, 2)}
    assert len(keys) == 2


@pytest.mark.parametrize(("text", "days"), [("", 30), ("7", 7), ("0", 0)])
def test_content_is_kept_for_so_many_days(text: str, days: int) -> None:
    """Thirty if nothing is said."""
    assert keep_days({"AUTOMATION_HOST_KEEP_DAYS": text}) == days


@pytest.mark.parametrize("text", ["-1", "a week", "1.5", "¹"])
def test_another_number_of_days_is_refused(text: str) -> None:
    """To keep content for longer than the operator wants would be worse."""
    with pytest.raises(ValueError, match="AUTOMATION_HOST_KEEP_DAYS"):
        keep_days({"AUTOMATION_HOST_KEEP_DAYS": text})


def test_content_is_recorded_unless_the_operator_forbids_it() -> None:
    """With a zero."""
    assert records_content({})
    assert not records_content({"AUTOMATION_HOST_RECORD_CONTENT": "0"})
