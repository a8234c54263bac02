"""The records of the contract."""

import dataclasses
import inspect

import pytest

from perplexity_connector import contract

VALUES = [getattr(contract, name) for name in contract.__all__]  # type: ignore[attr-defined]
RECORDS = [
    value
    for value in VALUES
    if inspect.isclass(value) and dataclasses.is_dataclass(value)
]


def test_the_contract_has_records() -> None:
    """The search above finds them."""
    assert {contract.Manifest, contract.ActionContext, contract.FieldError} < {*RECORDS}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_is_frozen_slotted_and_keyword_only(record: type) -> None:
    """A record is safe to share, rejects misspelt attributes, and may get new fields in any place."""
    assert record.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(record)
    assert all(field.kw_only for field in dataclasses.fields(record))
