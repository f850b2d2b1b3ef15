"""The plan's JSON schema, for editors and for other programs."""

from __future__ import annotations

from typing import Any

from moonpost.plan.model import Plan

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a plan file.

    Examples
    --------
    >>> sorted(json_schema()["required"])
    ['design', 'id', 'partners', 'schema_version', 'station', 'title']
    """
    schema = Plan.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Moonpost plan"}
