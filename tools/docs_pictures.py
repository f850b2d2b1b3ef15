"""Renew the pictures that pages of the documentation draw: ``python tools/docs_pictures.py cases/gateway.md``.

Runs the pages as their test does and keeps what they save as PNG files.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "docs"))

from test_pages import run_page  # noqa: E402


def main() -> int:
    """Run the pages named, relative to docs, and copy their pictures to docs/images."""
    if not sys.argv[1:]:
        print("name pages, such as cases/gateway.md")
        return 2
    os.environ["MPLBACKEND"] = "Agg"
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            run_page(ROOT / "docs" / name, Path(folder))
            for picture in sorted(Path(folder).glob("*.png")):
                shutil.copy(picture, ROOT / "docs" / "images" / picture.name)
                print(f"docs/images/{picture.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
