"""The figures of the sandbox: one share of an invented company."""

from perplexity_connector.sandbox.jsontypes import JsonObject

FIGURE = "Example Corporation (EXMP) closed at 128.40 USD on 20 November 2026."
"""The sentence that every look-up of figures finds."""


def finance_item() -> JsonObject:
    """Return the output item of a look-up. Its form is documented, and was never recorded."""
    figure: JsonObject = {
        "category": "quote",
        "content": FIGURE,
        "sources": ["https://markets.example/exmp"],
    }
    return {"type": "finance_results", "results": [figure]}
