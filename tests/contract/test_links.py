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
        ("https:/\t/bank.example:pw@evil.example/", "https://evil.example/"),
        ("ht\ntps:\r\n//user@a.example", "https://a.example"),
        (" //user@a.example", " //a.example"),
        ("see https://user:secret@a.example", "see https://a.example"),
        (
            "view-source:https://user:secret@a.example/",
            "view-source:https://a.example/",
        ),
        ("a:b: https:user:secret@a.example", "a:b: https:a.example"),
        ("blob:git+ssh://user@a.example", "blob:git+ssh://a.example"),
        ("https:user:https:x@a.example", "https:a.example"),
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
        "mailto:https\tme@a.example",
        "https:/\t/a.example/@user",
        "https:a.example//me@b.example",
        "view-source:https://a.example/@user",
    ],
)
def test_an_address_without_a_user_stays_as_it_is(address: str) -> None:
    """An `@` elsewhere belongs to it."""
    assert without_user(address) == address


@pytest.mark.parametrize("part", [":", "https:", " ", "x:", "\t", "//"])
def test_a_long_address_is_read_in_a_moment(part: str) -> None:
    """Each part of it is looked at a few times only: a quadratic search would take minutes."""
    address = f"{part * 300_000}/x/@"
    assert without_user(address) == address
