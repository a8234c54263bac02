"""Writes money for people."""


def usd_words(amount: float) -> str:
    """Return an amount in USD, to a millionth at most."""
    digits = f"{amount:.6f}".rstrip("0").rstrip(".")
    return f"{digits} USD"
