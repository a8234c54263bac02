"""Dates as Perplexity's filters take them."""

from perplexity_connector.perplexity.wire.dates import us_date


def test_dates_go_out_the_american_way() -> None:
    """MM/DD/YYYY, with its zeros."""
    assert us_date("2026-03-09") == "03/09/2026"
