"""Addresses without `user:password@`."""

import pytest

from perplexity_connector.contract.links import without_user


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("https://user:secret@a.example/x?y=1#z", "https://a.example/x?y=1#z"),
        ("https://bank.example@evil.example", "https://evil.example"),
        ("https://a@b:c@evil.example/", "https://evil.example/"),
        ("HTTP://@a.example", "HTTP://a.example"),
        (" https://user@a.example", " https://a.example"),
        ("https:user:secret@a.example", "https:a.example"),
        ("https:/\\user:secret@a.example", "https:/\\a.example"),
        ("https:////user@a.example", "https:////a.example"),
        ("https://us er:sec\nret@a.example", "https://a.example"),
        ("ftp://user:secret@a.example", "ftp://a.example"),
        ("git+ssh://git:secret@a.example/x", "git+ssh://a.example/x"),
        ("//user:secret@a.example", "//a.example"),
    ],
)
def test_user_and_password_are_left_out(address: str, plain: str) -> None:
    """However a browser lets it be written, and up to the last `@` before the path."""
    assert without_user(address) == plain


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://a.example/@user",
        "https://a.example?mail=me@b.example",
        "https://a.example#me@b.example",
        "https://a.example\\@evil.example",
        "mailto:me@a.example",
        "me@a.example",
        "see https://a.example",
    ],
)
def test_an_address_without_a_user_stays_as_it_is(address: str) -> None:
    """An `@` elsewhere belongs to it."""
    assert without_user(address) == address
