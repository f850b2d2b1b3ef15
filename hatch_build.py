"""Builds the displays of mission control for a wheel or a source distribution, where Node is there to do it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CLIENT = "client"
STATIC = "src/moonpost/control/web/static"
HOW = (
    "The displays of mission control are not built, for npm (Node 18.14 or later) is not here; all else works. "
    "To have them: install Node from https://nodejs.org, then run 'make client', or build the package again."
)


class ClientBuild(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the client into the package; without Node it says what to do and goes on."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the client unless it is there or this is an editable install, where `make client` does it."""
        root = Path(self.root)
        if version == "editable" or _is_built(root):
            return
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None or not (root / CLIENT / "package.json").is_file():
            self.app.display_warning(HOW)
            return
        try:
            _build(root, npm, node)
        except (OSError, subprocess.SubprocessError) as error:
            raise RuntimeError(
                f"The displays of mission control could not be built ({error}). Look at what npm said above; "
                "without npm on the PATH the package is built without them."
            ) from error


def _is_built(root: Path) -> bool:
    """Whether the client is there and newer than all that it is made of."""
    page = root / STATIC / "index.html"
    if not page.is_file():
        return False
    client = root / CLIENT
    sources = [client / "package.json", *client.glob("*.mjs"), *(client / "src").glob("*")]
    return all(file.stat().st_mtime <= page.stat().st_mtime for file in sources if file.is_file())


def _build(root: Path, npm: str, node: str) -> None:
    client = root / CLIENT
    options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([npm, "install", *options], cwd=client, check=True)  # noqa: S603
    subprocess.run([node, "build.mjs", str(root / STATIC)], cwd=client, check=True)  # noqa: S603
