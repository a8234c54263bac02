"""The methods of a ledger, by what they are for."""
