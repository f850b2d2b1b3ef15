"""The web server of mission control; `moonpost.control.web.app.create_app` makes it."""

from __future__ import annotations

__all__: list[str] = []
