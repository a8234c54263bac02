"""Outputs."""

from pydantic import BaseModel


class Output(BaseModel):
    name: str
    display_name: str
    method: str
    group_outputs: bool
    tool_mode: bool
