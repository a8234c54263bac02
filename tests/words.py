"""The phrases that no docstring, comment, message or page uses, and where to look for them.

`tests/test_words.py` keeps them out of the texts that users read; `.ci/house.py` counts them over the package.
"""

import ast
import html.parser
import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

# What to avoid, as a pattern, and what to write in its place.
BANNED = {
    r"what (?:is|it|they|stands|comes|was|has)\b(?! wrong)": "the name of the thing",
    r"whoever": "anyone who, the caller",
    r"whatever": "any, all",
    r"nobody": "no one, no caller",
    r"somebody": "a person, a caller",
    r"told": "sent, reported",
    r"tells?": "say, report, show",
    r"stands?(?!-)": "is, follows",
    r"mend(?:ed|s)?": "fix, correct",
    r"takes? it out": "remove it",
    r"is (?-i:none)": "is not one",
    r"is no(?! longer)": "is not a",
    r"there is:": "Available:",
    r"anew": "again",
    r"plainly": "clearly, surely",
    r"till": "until",
    r"of use": "useful",
}
_FEWEST_WORDS = 3
_PHRASE = re.compile(
    "|".join(rf"\b(?:{phrase})(?!\w)" for phrase in BANNED), re.IGNORECASE
)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_JAVASCRIPT = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/                        # comments, in which quotes mean nothing
    | "(?P<double>(?:\\.|[^"\\\n])*)"
    | '(?P<single>(?:\\.|[^'\\\n])*)'
    | `(?P<template>(?:\\.|[^`\\])*)`
    """,
    re.DOTALL | re.VERBOSE,
)
_SHOWN_ATTRIBUTES = frozenset({"alt", "aria-label", "content", "placeholder", "title"})


class Prose(NamedTuple):
    """The texts of one Python file. A message is a string of three words or more."""

    docstrings: list[str]
    comments: list[str]
    messages: list[str]


def banned_phrases(text: str) -> list[str]:
    """Return each banned phrase of a text, with the words around it."""
    line = " ".join(text.split())
    return [
        line[max(0, found.start() - 30) : found.end() + 30]
        for found in _PHRASE.finditer(line)
    ]


def python_tokens(source: str) -> list[tokenize.TokenInfo]:
    """Return every token of a Python file."""
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def python_prose(source: str) -> Prose:
    """Return the texts of a Python file."""
    tree = ast.parse(source)
    docstrings = [
        ast.get_docstring(node) or ""
        for node in ast.walk(tree)
        if isinstance(node, _DOCUMENTED)
    ]
    comments = [
        token.string.lstrip("# ")
        for token in python_tokens(source)
        if token.type == tokenize.COMMENT
    ]
    return Prose(docstrings, comments, list(filter(_is_message, _strings(tree))))


def javascript_messages(source: str) -> list[str]:
    """Return the strings of a JavaScript file that are messages. `${…}` in a template is left out."""
    strings = []
    for found in _JAVASCRIPT.finditer(source):
        text = found["double"] or found["single"] or found["template"] or ""
        strings.append(re.sub(r"\$\{[^}]*\}", "…", text))
    return list(filter(_is_message, strings))


def html_texts(source: str) -> list[str]:
    """Return the texts and the shown attributes of an HTML page."""
    page = _Page()
    page.feed(source)
    return page.texts


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.texts += [text or "" for name, text in attrs if name in _SHOWN_ATTRIBUTES]


def _strings(tree: ast.Module) -> Iterator[str]:
    """Every string that is not a docstring; a value that is put into one shows as an ellipsis."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.JoinedStr):
            yield "".join(_piece(part) for part in node.values)
            waiting += [
                part for part in node.values if not isinstance(part, ast.Constant)
            ]
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        waiting += [child for child in ast.iter_child_nodes(node) if _is_code(child)]


def _piece(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "…"


def _is_code(node: ast.AST) -> bool:
    """Whether a node is not a string that stays unused, such as a docstring."""
    return not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_message(text: str) -> bool:
    return len(text.split()) >= _FEWEST_WORDS
