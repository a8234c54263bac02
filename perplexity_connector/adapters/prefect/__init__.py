"""The actions, and the jobs of tables, as flows of Prefect. It needs the `[prefect]` extra.

Nothing is imported here: Prefect imports `blocks` whenever it is itself imported.
"""
