"""Dates as Perplexity's filters take them."""


def us_date(iso: str) -> str:
    """`2026-03-09` as `03/09/2026`: requests take MM/DD/YYYY, answers give ISO dates (perplexity_api 4.1)."""
    year, month, day = iso.split("-")
    return f"{month}/{day}/{year}"
