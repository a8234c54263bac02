"""Searching a list of options, and leafing through it."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import ConnectorError, Option, OptionsQuery
from perplexity_connector.perplexity.actions.option_pages import window_of

OPTIONS = [
    Option(value="sonar", label="Sonar", description="Served by the preset fast."),
    Option(
        value="sonar-pro", label="Sonar Pro", description="Served by the preset low."
    ),
    Option(value="low", label="Preset low"),
    Option(value="openai/gpt-6-luna", label="openai/gpt-6-luna", description="$1 in."),
]


def pages(options: list[Option], **query: Any) -> list[list[str]]:
    """The values of every page, leafed through to the last."""
    shown, cursor = list[list[str]](), None
    while cursor is not None or not shown:
        found, cursor = window_of(OptionsQuery(cursor=cursor, **query)).cut(options)
        shown.append([option.value for option in found])
    return shown


def refusal(**query: Any) -> tuple[str, list[str]]:
    """The code of the error, and the places it points at."""
    with pytest.raises(ConnectorError) as caught:
        window_of(OptionsQuery(**query))
    return caught.value.code, [problem.pointer for problem in caught.value.fields]


@pytest.mark.parametrize(
    ("search", "values"),
    [
        ("", ["sonar", "sonar-pro", "low", "openai/gpt-6-luna"]),
        ("   ", ["sonar", "sonar-pro", "low", "openai/gpt-6-luna"]),
        ("SONAR", ["sonar", "sonar-pro"]),
        ("low", ["sonar-pro", "low"]),
        ("low sonar", ["sonar-pro"]),
        ("gpt LUNA", ["openai/gpt-6-luna"]),
        ("sonar luna", []),
    ],
)
def test_every_word_must_stand_somewhere(search: str, values: list[str]) -> None:
    """In the value, the label or the description, whatever the case."""
    assert pages(OPTIONS, search=search) == [values]


def test_a_full_last_page_has_no_cursor() -> None:
    """Nobody is sent to an empty page."""
    assert pages(OPTIONS, limit=2) == [
        ["sonar", "sonar-pro"],
        ["low", "openai/gpt-6-luna"],
    ]


def test_an_empty_cursor_is_none() -> None:
    """As a query string leaves it behind."""
    assert window_of(OptionsQuery(cursor="")).cut(OPTIONS) == window_of(
        OptionsQuery()
    ).cut(OPTIONS)


@pytest.mark.parametrize("change", [[0], [1], [3]])
def test_a_list_that_changes_between_two_pages_loses_nothing(change: list[int]) -> None:
    """What came before may go, the last one shown too: the next page goes on behind it."""
    _, cursor = window_of(OptionsQuery(limit=2)).cut(OPTIONS)
    new = [Option(value="first", label="First"), *OPTIONS]
    rest, _ = window_of(OptionsQuery(cursor=cursor)).cut(new)
    assert [option.value for option in rest] == ["low", "openai/gpt-6-luna"]
    fewer = [option for place, option in enumerate(OPTIONS) if place not in change]
    rest, _ = window_of(OptionsQuery(cursor=cursor)).cut(fewer)
    left = {option.value for option in fewer} & {"low", "openai/gpt-6-luna"}
    assert left - {option.value for option in rest} == set()


@pytest.mark.parametrize("limit", [0, -1, 201, 10**9])
def test_a_limit_out_of_bounds_is_refused(limit: int) -> None:
    """With a pointer to it."""
    assert refusal(limit=limit) == ("invalid_input", ["/limit"])


def encoded(text: str) -> str:
    """A cursor that holds a text."""
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "2",
        "é",
        "!!!!",
        "/v1/",
        encoded("x"),
        encoded("1:"),
        encoded(":a"),
        encoded("-1:a"),
        "gICA",
    ],
)
def test_a_cursor_of_another_make_is_refused(cursor: str) -> None:
    """With a pointer to it, and without an echo of it."""
    assert refusal(cursor=cursor) == ("invalid_input", ["/cursor"])


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        unique=True,
        max_size=30,
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=2),
    st.integers(1, 200),
)
def test_leafing_shows_everything_that_is_searched_for_once_and_in_order(
    values: list[str], search: str, limit: int
) -> None:
    """However the pages are cut."""
    options = [Option(value=value, label=value.upper()) for value in values]
    shown = pages(options, search=search, limit=limit)
    whole, cursor = window_of(OptionsQuery(search=search, limit=200)).cut(options)
    assert cursor is None
    assert [value for page in shown for value in page] == [
        option.value for option in whole
    ]
    assert all(len(page) == limit for page in shown[:-1])


@given(st.text())
def test_any_cursor_is_read_or_refused(cursor: str) -> None:
    """Never another error, and never an option that does not exist."""
    try:
        options, _ = window_of(OptionsQuery(cursor=cursor)).cut(OPTIONS)
    except ConnectorError as error:
        assert [field.pointer for field in error.fields] == ["/cursor"]  # noqa: PT017 - most cursors are refused
    else:
        assert set(options) <= set(OPTIONS)
