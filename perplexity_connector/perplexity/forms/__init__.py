"""The forms and outputs as pydantic models, and how they become portable schemas."""
