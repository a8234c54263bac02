"""How units of work reach the database: one thread, groups of commits, owners."""
