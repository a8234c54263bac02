"""What each row of a table runs."""
