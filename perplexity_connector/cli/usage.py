"""The command `usage`: what the recorded runs have cost."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.history_lines import cost_words
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.spans import begin_of
from perplexity_connector.cli.terminal import print_table
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.host.ledger.entries import UsageBy
from perplexity_connector.host.spending.money import usd_or_none
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.entries import UsageRow

_BY: Mapping[str, UsageBy] = {word: word for word in get_args(UsageBy)}
# A search has no model, and a run with the key of the environment has no stored connection.
_UNNAMED: Mapping[str, str] = {
    "model": "(no model)",
    "connection": "(the environment's)",
}


def show_usage(records: Records, by: str, since: str | None, *, as_json: bool) -> None:
    """Print the runs and costs of each model, action, connection or day, the dearest first.

    Raises `UsageError` for another word, or a span that cannot be read.
    """
    chosen = _BY.get(by)
    if chosen is None:
        message = f"--by must be one of {', '.join(_BY)}.{did_you_mean(by, _BY)}"
        raise UsageError(message)
    rows = records.answer(records.ledger.usage(chosen, begin_of(since)))
    if as_json:
        print_json([_document(row) for row in rows])
        return
    parts = [list(map(one_line, _parts(row, chosen))) for row in rows]
    headers = (by.capitalize(), "Runs", "Cost", "Notes")
    cells = [[*row[:3], ", ".join(row[3:])] for row in parts]
    print_table(headers, cells, piped=map("  ".join, parts))
    if not rows:
        say("Nothing is recorded for that time.")


def _document(row: "UsageRow") -> dict[str, object]:
    return {
        "name": row.name,
        "runs": row.runs,
        "cost": usd_or_none(row.cost),
        "listed": row.listed,
        "unpriced": row.unpriced,
        "kept": usd_or_none(row.kept),
    }


def _parts(row: "UsageRow", by: UsageBy) -> list[str]:
    """Return the name, the runs, the cost, and notes."""
    runs = "1 run" if row.runs == 1 else f"{row.runs} runs"
    basis = "list_price" if row.listed else None
    parts = [row.name or _UNNAMED.get(by, "(none)"), runs, cost_words(row.cost, basis)]
    if row.unpriced:
        parts.append(f"{row.unpriced} without a known cost")
    if row.kept:
        parts.append(f"{cost_words(row.kept)} kept for runs in doubt")
    return parts
