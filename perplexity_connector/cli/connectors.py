"""Shows a connector, as `Host.connectors` returns it, to people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import ConnectorDocument


def guide_lines(connector: "ConnectorDocument") -> Iterator[str]:
    """Yield the steps to a credential, one numbered line each."""
    for number, step in enumerate(connector["connection"]["guide"], start=1):
        line = one_line(f"{number}. {step['title']}: {step['text']}")
        link = one_line(step.get("link") or "")
        yield f"{line} ({link})" if link else line


def lines_of_test_values(connector: "ConnectorDocument") -> Iterator[str]:
    """Yield the values that its sandbox takes, one for each line; they are not secret."""
    sandbox = connector["sandbox"]
    values = sandbox["connection"] if sandbox else {}
    for name, value in values.items():
        yield one_line(f"A test value for {name}: {value}")
