"""JSON Schema errors as field errors, and any Python value as plain JSON."""
