"""Measure how the package is written: tokens a code line, and banned phrases per 1,000 words.

Prints both figures and exits with 1 if one of them is above its limit. A code line is a row on which a token begins;
comments, newlines and indentation are not tokens here. Words are those of docstrings, comments and messages.
"""

import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.words import banned_phrases, python_prose, python_tokens  # noqa: E402 - after the path to it

PACKAGE = ROOT / "perplexity_connector"
MOST_TOKENS_A_LINE = 7.0
MOST_PHRASES = 1.0  # per 1,000 words, less than
NO_CODE = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)


def code_rows(source: str) -> list[int]:
    """Return the row on which each code token of a file begins."""
    return [
        token.start[0] for token in python_tokens(source) if token.type not in NO_CODE
    ]


def main() -> int:
    """Print the figures. Return 1 if one of them is above its limit, else 0."""
    tokens = lines = words = 0
    phrases: list[str] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        rows = code_rows(source)
        tokens += len(rows)
        lines += len(set(rows))
        for texts in python_prose(source):
            words += sum(len(text.split()) for text in texts)
            phrases += [
                f"{path.relative_to(ROOT)}: {phrase}"
                for text in texts
                for phrase in banned_phrases(text)
            ]
    a_line = tokens / lines
    rate = 1000 * len(phrases) / words
    report = [
        f"{tokens:,} tokens on {lines:,} code lines: {a_line:.2f} a line (at most {MOST_TOKENS_A_LINE})",
        f"{len(phrases)} banned phrases in {words:,} words: {rate:.2f} per 1,000 (less than {MOST_PHRASES})",
    ]
    if rate >= MOST_PHRASES:
        report += phrases
    sys.stdout.write("\n".join([*report, ""]))
    return int(a_line > MOST_TOKENS_A_LINE or rate >= MOST_PHRASES)


if __name__ == "__main__":
    sys.exit(main())
