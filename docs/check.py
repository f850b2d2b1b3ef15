"""Habits that linters do not know: docstrings, glossary, sizes, addresses, generated files."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "moonpost"
LONGEST = 600
HOSTS = [rf"{name}\.{end}" for name, end in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
ADDRESS = re.compile(
    r"https?://[^\s)\"']*\.(?:whl|tgz|deb)\b|(?:extra-)?index-url|/(?:work|root|home/\w+)/|" + "|".join(HOSTS)
)


def modules() -> list[str]:
    """Names of all modules of the package."""
    import moonpost

    return ["moonpost", *(m.name for m in pkgutil.walk_packages(moonpost.__path__, "moonpost.")
                          if not m.name.endswith("__main__"))]  # fmt: skip


def public() -> dict[str, object]:
    """Public names with their objects: everything in an ``__all__``."""
    found: dict[str, object] = {}
    for name in modules():
        module = importlib.import_module(name)
        for item in getattr(module, "__all__", ()):
            found[f"{name}.{item}"] = getattr(module, item)
    return found


def missing_docstrings() -> list[str]:
    """Public modules, classes and functions without a docstring, and modules without ``__all__``."""
    found = [f"{name}: has no docstring" for name in modules() if not importlib.import_module(name).__doc__]
    found += [f"{name}: has no __all__" for name in modules()
              if not hasattr(importlib.import_module(name), "__all__") and not name.endswith("cli")]  # fmt: skip
    described = {
        name: item for name, item in public().items() if inspect.isclass(item) or inspect.isfunction(item)
    }
    return found + [f"{name}: has no docstring" for name, item in described.items() if not inspect.getdoc(item)]


def parameters() -> dict[str, str]:
    """Every public parameter and field, with one place that uses it."""
    found: dict[str, str] = {}
    for name, item in public().items():
        if name.startswith(("moonpost.cli", "moonpost.errors")):
            continue
        fields = getattr(item, "model_fields", None) or getattr(item, "__dataclass_fields__", None)
        if fields is not None and inspect.isclass(item):
            names = [field for field in fields if not field.startswith("_")]
        elif inspect.isfunction(item):
            names = list(inspect.signature(item).parameters)
        else:
            continue
        for parameter in names:
            if parameter not in {"self", "cls", "args", "kwargs"}:
                found.setdefault(parameter, name)
    return found


def glossary() -> set[str]:
    """The terms that the glossary defines."""
    text = (ROOT / "docs" / "glossary.md").read_text()
    return {
        name
        for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }


def glossary_gaps() -> list[str]:
    """Public parameters that the glossary lacks, and entries that nothing uses."""
    used, defined = parameters(), glossary()
    lacking = [
        f"docs/glossary.md: lacks `{name}` (used by {used[name]})" for name in sorted(used.keys() - defined)
    ]
    return lacking + [f"docs/glossary.md: `{name}` is used by nothing" for name in sorted(defined - used.keys())]


def tracked() -> list[Path]:
    """The files that git tracks, or all files where there is no git."""
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = (
        run.stdout.splitlines()
        if run.returncode == 0
        else [str(p.relative_to(ROOT)) for p in SOURCE.rglob("*.py")]
    )
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def long_modules() -> list[str]:
    """Modules over the longest size."""
    sizes = {path: len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    return [f"{path.relative_to(ROOT)}: {n} lines, over {LONGEST}" for path, n in sizes.items() if n > LONGEST]


def root_imports() -> list[str]:
    """Modules inside the package that import its root."""
    found = []
    for path in SOURCE.rglob("*.py"):
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import)]
        wrong = [node for node in imports if any(name.name == "moonpost" for name in node.names)]
        found += [f"{path.relative_to(ROOT)}:{node.lineno}: imports the package root" for node in wrong]
    return found


def addresses() -> list[str]:
    """Lines that name a download address or a path of one machine."""
    found = []
    for path in tracked():
        if path.suffix in {".png", ".tif", ".nc"} or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if ADDRESS.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: names an address or a path of one machine")
    return found


def stale() -> list[str]:
    """Generated files that are out of date."""
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.splitlines() + (run.stderr.splitlines()[-1:] if run.returncode and not run.stdout else [])


def main() -> int:
    """Print every fault; exit 1 if there is any."""
    faults = [*missing_docstrings(), *glossary_gaps(), *long_modules(), *root_imports(), *addresses(), *stale()]
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults of docs and habits")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
