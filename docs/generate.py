"""Make the generated pages: JSON schemas, plan file guide, CLI reference. ``--check`` only compares."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["COLUMNS"] = os.environ["TERMINAL_WIDTH"] = "100"

DOCS = Path(__file__).parent


def generated() -> dict[Path, str]:
    """The text of every generated file."""
    from moonpost.plan import json_schema
    from moonpost.study import study_schema
    from planpage import plan_page

    return {
        DOCS / "schema" / "plan.schema.json": _json(json_schema()),
        DOCS / "schema" / "study.schema.json": _json(study_schema()),
        DOCS / "cli.md": cli_reference(),
        DOCS / "plan.md": plan_page(),
    }


def cli_reference() -> str:
    """One section per command, from its own help."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from moonpost.cli.main import app

    runner = CliRunner()
    parts = ["# Command line reference", "", "Made from the commands' own help by `make docs`.", ""]
    for words in sorted(commands(get_command(app))):
        text = runner.invoke(app, [*words, "--help"], prog_name="moonpost").output
        lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
        parts += [f"## moonpost {' '.join(words)}".rstrip(), "", "```text", lines, "```", ""]
    return "\n".join(parts)


def commands(command: object, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command below one."""
    found = [words]
    for name, child in getattr(command, "commands", {}).items():
        found += commands(child, (*words, name))
    return found


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the files, or say which are out of date."""
    check = "--check" in sys.argv[1:]
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(DOCS.parent)} is out of date: run 'make docs'")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(generated()[path])
            print(f"wrote {path.relative_to(DOCS.parent)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
