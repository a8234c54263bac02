from perplexity_connector.rendering.errors import error_lines, hint_line
from tests.cli.fakes import error_record


def test_every_field_is_listed_by_its_pointer() -> None:
    """One line each after the headline; the whole input has words in place of its empty pointer."""
    fields = [
        {
            "pointer": "/messages/0/role",
            "code": "enum",
            "message": "Must be one of a, b.",
        },
        {"pointer": "", "code": "type", "message": "Must be an object."},
    ]
    headline, first, second = error_lines(error_record("invalid_input", fields=fields))
    assert "invalid_input" in headline
    assert first.startswith("/messages/0/role: ")
    assert second.startswith("the input: ")


def test_the_message_is_shown_whatever_the_fields_say() -> None:
    """It heads the fields; it is never left out or replaced."""
    fields = [{"pointer": "/a", "message": "Must be text."}]
    error = error_record("invalid_input", fields=fields)
    for message in ("Not valid.", "/a: Must be text."):
        headline, *lines = error_lines(error | {"user_message": message})
        assert message in headline
        assert len(lines) == 1


def test_what_helps_stands_on_one_line() -> None:
    """The wait, what it may have cost, where to read on, and the id that support asks for."""
    error = error_record(
        "rate_limited",
        retry_after=12.4,
        effect="unknown",
        docs_url="https://docs.example",
        request_id="req_1",
    )
    _, hints = error_lines(error)
    assert "12 s" in hints
    assert "https://docs.example" in hints
    assert "req_1" in hints
    assert len(hints) > len(next(iter([*error_lines(error | {"effect": "none"})][1:])))


def test_an_error_without_words_still_has_a_headline() -> None:
    """A connector that says nothing leaves no empty line."""
    (headline,) = error_lines(error_record("internal", message="", user_message=" "))
    assert len(headline) > len("error:  (internal)")


def test_an_error_cannot_write_lines_or_escapes_of_its_own() -> None:
    """What comes from outside is one plain line."""
    (headline,) = error_lines(error_record("internal", user_message="a\nb\x1b[2J"))
    assert "\n" not in headline
    assert "\x1b" not in headline


def test_a_hint_is_one_line_with_its_place() -> None:
    """The whole input has words in place of its empty pointer."""
    assert hint_line("/size", "Choose\none.").endswith("/size: Choose one.")
    assert "the input: " in hint_line("", "Choose one.")
