"""The transactions of the ledger: functions of a connection, without clock, thread or file."""
