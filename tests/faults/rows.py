"""The rows of the fault matrix, all of them."""

from collections.abc import Mapping, Sequence

from tests.faults.causes import (
    answers,
    connections,
    recoveries,
    refusals,
    searches,
    streams,
)
from tests.faults.row import Row

SECTIONS: Mapping[str, Sequence[Row]] = {
    "The connection": connections.ROWS,
    "Refusals and other statuses": refusals.ROWS,
    "Unusable answers, and usable ones in odd forms": answers.ROWS,
    "The stream of a chat": streams.ROWS,
    "Coming back to a run": recoveries.ROWS,
    "Searches": searches.ROWS,
}
ROWS = [row for rows in SECTIONS.values() for row in rows]
