"""Writes money for people."""


def usd_words(amount: float) -> str:
    """Return an amount in USD, to a millionth at most."""
    digits = f"{amount:.6f}".rstrip("0").rstrip(".")
    return f"{digits} USD"


def price_words(likely: float, worst: float, *, is_estimate: bool) -> str:
    """Return a price on one line. More than the worst of an estimate may be paid."""
    words = f"Price: likely {usd_words(likely)}, at worst {usd_words(worst)}"
    return f"{words}, or more: it is an estimate" if is_estimate else words
