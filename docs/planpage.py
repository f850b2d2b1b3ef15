"""The plan file guide: every table with its fields, units, limits and defaults, from the JSON schema."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["plan_page"]

INTRO = """# The plan file

Made from the plan's schema by `make docs`. A plan is one TOML file; [tutorial.md](tutorial.md) writes a small one,
and `ilrs` is a large one (`moonpost check ilrs` names its path). Editors that know JSON schemas can use
[schema/plan.schema.json](schema/plan.schema.json), which `moonpost check ilrs --schema` prints as well.

## How it is read

- Unknown keys, NaN, infinity and numbers out of their limits are errors. `moonpost check PLAN` lists all at once.
- A name's ending is its unit: `_m _km _deg _kg _g _w _wh _hz _bit_s _m_s _h _k _db`.
- Dates are UTC and of any precision: `2030`, `2030-06`, `2030-06-01`, `2030-06-01T12:00Z`, or a range `2028/2029`.
- An identifier has lower-case letters, digits and single hyphens, and stands once in its table.
- A place in the file is written `missions[ce7].launch`, `elements[post].modes[0].power_w`;
  `moonpost.plan.with_number` takes the same paths.
- `[station]` and `[design]` are single tables; `[[missions]]` begins a row of a list. Parts of a row may be
  written inline, `storage = { kind = "battery", capacity_wh = 9000.0 }`, or as `[elements.storage]` and
  `[[elements.modes]]` below the row.

What spans rows is checked too: names that exist, nothing that depends on itself, masses within launcher and
mission, an instrument for each objective not declared `open`, a source for all power drawn by day and in the dark,
landings after launches, sites on terrain, the period within the kernels.

## What rows have in common

| field | unit | what | default |
|---|---|---|---|
| `id` | | Identifier that other rows use. | required |
| `name` | | Name for people. | required |
| `source` | | Where the row's facts come from. | required |
| `confidence` | | `A` agency or peer-reviewed, `B` press or encyclopaedia, `C` estimate. | required |
| `note` | | Anything a reader of the row should know. | none |

Every row of a list has them, and `[station]`; they are left out below. `[design]`, an assumption, an orbit and
a step of an agreement have no `name`, and only the assumption an `id`.
"""

_TEXTS = {
    "schema_version": "Version of the plan format.",
    "id": "Identifier.",
    "title": "Title of the plan.",
    "summary": "A sentence or two for the report.",
    "epoch": "When its angles hold.",
    "end": "Last day.",
    "party": "Identifier of `partners`.",
    "letters_due": "When letters of intent were due.",
    "selection_planned": "When the selection is to be made.",
    "announced": "When the selection was announced.",
    "opened": "When the call was opened.",
    "proposals": "How many proposals came.",
    "short_listed": "How many were short-listed.",
    "chosen": "How many were chosen.",
    "use": "What the site is for.",
    "launch": "Date of launch.",
    "start": "First day.",
    "transmit_gain_dbi": "Gain of the sending antenna; goes before its dish.",
    "receive_gain_dbi": "Gain of the receiving antenna; goes before its dish.",
    "transmit_dish_m": "Diameter of the sending dish.",
    "receive_dish_m": "Diameter of the receiving dish.",
    "argument_of_perilune_deg": "From the ascending node to perilune.",
    "duration_h": "How long it takes.",
    "mass_kg": "Mass.",
    "power_w": "Power drawn.",
    "data_bit_s": "Data produced.",
    "needs": "What it needs while it runs.",
    "every": "How often.",
    "returned": "When it came to Earth.",
    "date": "When.",
    "source": "Where the fact comes from.",
    "state": "What the party did.",
    "destination": "Where it ends.",
    "status": "How far the mission is.",
}
"""What fields mean whose schema does not say it."""

_COMMON = ("id", "name", "source", "confidence", "note")
_GENERIC, _DATE = "Name used by other rows", "UTC date of any precision"
_UNIT = re.compile(r"\s*\[([^\]]+)\]\.?$")


def plan_page() -> str:
    """The page as Markdown."""
    from moonpost.plan import json_schema

    schema = json_schema()
    models = schema["$defs"]
    single = {name: item for name, item in schema["properties"].items() if _models(item)}
    plain = {name: item for name, item in schema["properties"].items() if name not in single}
    parts = [INTRO, "## The plan itself", "", *_fields(plain, schema.get("required", ()), {}), ""]
    done: set[str] = set()
    for name, item in single.items():
        head = f"[[{name}]]" if item.get("type") == "array" else f"[{name}]"
        for model in _models(item):
            parts += _table(f"`{head}`", name, model, models)
            done.add(model)
            parts += _nested(model, models, done)
    return "\n".join(parts).rstrip() + "\n"


def _nested(model: str, models: dict[str, Any], done: set[str]) -> list[str]:
    """Tables of the parts of a row that have not been shown yet."""
    parts: list[str] = []
    for name, item in models[model]["properties"].items():
        for part in _models(item):
            if part not in done:
                done.add(part)
                parts += _table(f"part `{name}`", "", part, models)
                parts += _nested(part, models, done)
    return parts


def _table(title: str, table: str, model: str, models: dict[str, Any]) -> list[str]:
    definition = models[model]
    fields = definition["properties"]
    shared = "confidence" in fields
    own = {name: item for name, item in fields.items() if not (shared and name in _COMMON)}
    kind = fields.get("kind", {}).get("const")
    heading = f"## {title}" if table else f"### {model}: {title}"
    if kind:
        heading += f' with `kind = "{kind}"`'
    text = definition.get("description", "").split("\n\n")[0].replace("\n", " ")
    return [heading, "", text, "", *_fields(own, definition.get("required", ()), _references(table)), ""]


def _fields(fields: dict[str, Any], required: Any, references: dict[str, str]) -> list[str]:
    lines = ["| field | unit | what | default |", "|---|---|---|---|"]
    for name, item in fields.items():
        text, unit = _described(name, item, references)
        default = "required" if name in required else _default(item)
        lines.append(f"| `{name}` | {unit} | {text} | {default} |")
    return lines


def _described(name: str, item: dict[str, Any], references: dict[str, str]) -> tuple[str, str]:
    """What a field is, with its limits, and its unit."""
    text = item.get("description", "")
    if text.startswith((_GENERIC, _DATE)):
        text = ""
    unit = ""
    if match := _UNIT.search(text):
        unit, text = match[1], text[: match.start()].rstrip() + ("." if match.start() else "")
    if not text.strip("."):
        text = "" if name in references else _TEXTS.get(name, "")
    details = [text.replace("..", ".")] if text else []
    if name in references:
        details.append(f"{_plural(item)} of `{references[name]}`.")
    elif models := _models(item):
        details.append(f"{'Tables' if item.get('type') == 'array' else 'A table'}: {' or '.join(models)}.")
    details += [part for part in (_choices(item), _limits(item)) if part]
    return " ".join(details) or name.replace("_", " ").capitalize() + ".", unit


def _plural(item: dict[str, Any]) -> str:
    return "Identifiers" if item.get("type") == "array" else "Identifier"


def _choices(item: dict[str, Any]) -> str:
    for part in _variants(item):
        if "enum" in part:
            return "One of " + ", ".join(f"`{choice}`" for choice in part["enum"]) + "."
        if "const" in part:
            return f"`{part['const']}`."
    return ""


def _limits(item: dict[str, Any]) -> str:
    """Limits in words."""
    words = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
        "exclusiveMaximum": "below {}",
    }
    for part in _variants(item):
        found = [text.format(f"{part[key]:,g}") for key, text in words.items() if key in part]
        if found:
            return ", ".join(found).replace(", to", " to").capitalize() + "."
    return ""


def _default(item: dict[str, Any]) -> str:
    value = item.get("default")
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, list):
        return ", ".join(f"{entry}" for entry in value)
    return f"{value:g}" if isinstance(value, float) else f"`{value}`"


def _variants(item: dict[str, Any]) -> list[dict[str, Any]]:
    """A field's type, its alternatives and the type of its entries."""
    found = [item, *item.get("anyOf", ()), *item.get("oneOf", ())]
    return [*found, *(part["items"] for part in found if isinstance(part.get("items"), dict))]


def _models(item: dict[str, Any]) -> list[str]:
    """Names of the models that a field holds."""
    found = []
    for part in [item, *_variants(item)]:
        for variant in _variants(part):
            if "$ref" in variant and (name := variant["$ref"].rsplit("/", 1)[1]) not in found:
                found.append(name)
    return found


def _references(table: str) -> dict[str, str]:
    """For each field of a table the table that it refers to."""
    from moonpost.plan.check import _REFERENCES

    return {field: target for name, field, target in _REFERENCES if name == table}
