import pytest

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.palette import (
    description_lines,
    find_action,
    palette_lines,
)
from tests.cli.fakes import DESCRIPTION, ENTRY

ENTRIES = [
    ENTRY,
    ENTRY | {"action": "hear"},
    ENTRY | {"connector": "other"},
]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("hear", ("toy", "hear")),
        ("toy.hear", ("toy", "hear")),
        ("toy/look", ("toy", "look")),
        ("other.look", ("other", "look")),
    ],
)
def test_an_action_is_found_by_its_name(name: str, found: tuple[str, str]) -> None:
    """Alone where one connector has it, else with its connector's name before it."""
    assert find_action(ENTRIES, name) == found


@pytest.mark.parametrize(
    ("name", "offered"),
    [("look", {"toy.look", "other.look"}), ("no", {"toy.look", "toy.hear"})],
)
def test_a_name_that_fits_none_or_several_is_refused_naming_what_there_is(
    name: str, offered: set[str]
) -> None:
    """So that the next attempt can be right."""
    with pytest.raises(UsageError) as refused:
        find_action(ENTRIES, name)
    assert all(choice in str(refused.value) for choice in offered)


def test_without_connectors_every_name_is_refused() -> None:
    """Nothing is there to be named."""
    with pytest.raises(UsageError):
        find_action([], "look")


def test_the_palette_has_two_lines_for_each_action() -> None:
    """Name and title, then the summary."""
    assert [str(line).split()[0] for line in palette_lines([ENTRY])] == [
        "toy.look",
        "Looks.",
    ]


def test_a_description_tells_what_a_run_needs() -> None:
    """Fields as FIELD=VALUE takes them, choices with their labels, the output, an example and the credential."""
    text = "\n".join(map(str, description_lines(DESCRIPTION)))
    for word in (
        "query*",
        "options.depth",
        "messages.0.content",
        "xl (Extra large)",
        "content",
        "TOY_KEY",
        "Sign in",
    ):
        assert word in text
    assert "small (Small)" not in text
    assert '"query": "moon"' in text
    assert "read-only" in text
    assert "billable" not in text


def test_a_bare_description_is_shown_as_far_as_it_goes() -> None:
    """Another connector may have no examples, no labels and no credential."""
    connector = DESCRIPTION["connector"]
    connection = connector["connection"] | {"env": {}, "guide": []}
    schemas = DESCRIPTION["schemas"] | {
        "input": {"properties": {"a": {}}},
        "output": {},
    }
    bare = DESCRIPTION | {
        "connector": connector | {"connection": connection},
        "action": DESCRIPTION["action"] | {"streaming": False},
        "schemas": schemas,
        "labels": {},
        "examples": [],
    }
    text = "\n".join(map(str, description_lines(bare)))
    assert "streams" not in text
    assert "a  <anything>" in text
    assert "Credential" not in text
    assert "Example" not in text
