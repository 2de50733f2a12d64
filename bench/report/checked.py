"""JSON files checked against a dataclass as they are read: types, finite numbers, its own rules."""

from __future__ import annotations

import json
from typing import TypeVar

T = TypeVar("T")


def parsed(data: bytes, shape: type[T], schema: int | None = None) -> T:
    """The content of a JSON file.

    Args:
        data: of the file.
        shape: a dataclass; what else the file has is left out, and nothing is converted.
        schema: that its field of this name must have; None where it has none.

    Raises:
        ValueError: it is no such file; the message says where and why, in a line.
    """
    from pydantic import TypeAdapter, ValidationError  # takes a while, for which few ask
    from pydantic_core import from_json  # refuses halves of characters, which cannot be printed

    try:
        content = from_json(data)
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError("expected a JSON object")
    if schema is not None and content.get("schema") != schema:
        raise ValueError(f"its schema is {content.get('schema')!r}, this reads {schema}")
    try:
        json.dumps(content, allow_nan=False)
    except ValueError as error:
        raise ValueError("a number in it is not finite") from error
    try:
        # Strict, which from JSON still lets a list be a tuple and a whole number a float.
        return TypeAdapter(shape).validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = " ".join(first["msg"].split())
        raise ValueError(f"{where}: {said}" if where else said) from error
