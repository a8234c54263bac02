"""What the nodes of a process share."""

from perplexity_connector.adapters.langflow.hosting import described


def test_an_action_is_described_once() -> None:
    """Langflow asks at every run."""
    assert described("perplexity", "execute_search") is described(
        "perplexity", "execute_search"
    )
