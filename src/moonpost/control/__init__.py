"""Mission control. Its first form serves a finished study to browsers on this machine."""

from __future__ import annotations

from moonpost.control.server import StudyServer, serve

__all__ = ["StudyServer", "serve"]
