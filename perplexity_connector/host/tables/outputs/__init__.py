"""From the ended rows to the output, or to what the ledger could not take."""
