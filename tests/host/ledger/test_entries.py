"""The entries as data."""

import dataclasses
from typing import Any

import pytest

from perplexity_connector.host.ledger import entries
from perplexity_connector.host.ledger.transactions.held import Held

PRIVATE = "a private question"
# Texts of a user, or of an answer. The output of a job is a path.
_HIDDEN = {"input", "checkpoint", "record", "envelope", "output", "summary"}
_JOBS = (entries.NewJob, entries.KnownJob)
_ENTRIES = [
    entry
    for entry in vars(entries).values()
    if dataclasses.is_dataclass(entry) and entry not in _JOBS
] + [Held]


@pytest.mark.parametrize("entry", _ENTRIES, ids=lambda entry: entry.__name__)
def test_the_repr_of_an_entry_shows_no_content(entry: Any) -> None:
    """A crash report prints the values of a frame."""
    names = [field.name for field in dataclasses.fields(entry)]
    made = entry(**{name: PRIVATE if name in _HIDDEN else name for name in names})
    assert PRIVATE not in repr(made)
    assert entry.__name__ in repr(made)
