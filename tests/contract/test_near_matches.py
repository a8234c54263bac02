"""A name that is nearly right is answered with the right one, and is never repeated."""

import importlib.metadata

import pytest

from perplexity_connector.contract.near_matches import did_you_mean, unknown_name
from perplexity_connector.contract.version import PRODUCT, own_version

KNOWN = ["max_results", "query", "Mine"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("max_result", "max_results"),
        ("maxResults", "max_results"),
        ("querry", "query"),
        (" mine ", "Mine"),
        ("MINE", "Mine"),
    ],
)
def test_the_nearest_name_is_offered(wanted: str, found: str) -> None:
    """Whatever the case, and with blanks around it."""
    assert found in did_you_mean(wanted, KNOWN)


@pytest.mark.parametrize("wanted", ["", "zzz", "pplx-0123456789abcdef", "x" * 10**6])
def test_a_name_that_is_near_to_none_gets_no_guess(wanted: str) -> None:
    """A long text, such as a key in the wrong place, costs no time."""
    assert did_you_mean(wanted, KNOWN) == ""
    sentence = unknown_name("connection", wanted, KNOWN)
    assert all(name in sentence for name in KNOWN)
    assert not wanted or wanted not in sentence


def test_nothing_known_is_said_so() -> None:
    """The sentence is whole without a name."""
    assert "none" in unknown_name("action", "x", [])


def test_without_its_metadata_the_package_still_has_a_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A frozen or copied package has no `dist-info`."""
    own_version.cache_clear()
    assert own_version() == importlib.metadata.version(PRODUCT)
    own_version.cache_clear()

    def missing(_: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr("perplexity_connector.contract.version.version", missing)
    assert own_version() == "unknown"
    own_version.cache_clear()
