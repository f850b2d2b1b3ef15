"""``/public`` and ``/public/feed.atom``: the status page and its feed, without login."""

from __future__ import annotations

import hashlib
import uuid
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from moonpost.control.web.publicfacts import PublicFacts, PublicView

if TYPE_CHECKING:
    from jinja2 import Template

    from moonpost.plan import Plan

__all__ = ["router"]

_ATOM = "http://www.w3.org/2005/Atom"
_HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "The page."},
    304: {"description": "As before."},
}
_FEED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/atom+xml": {}}, "description": "The feed."},
    304: {"description": "As before."},
}


def router(mission: Any) -> APIRouter:
    """Routes for the public.

    Parameters
    ----------
    mission : MissionControl
        Needs ``plan`` and ``clock``; uses ``ground`` if there is one.

    Returns
    -------
    fastapi.APIRouter
    """
    routes = APIRouter(tags=["public"])
    view = PublicView(mission)

    @routes.get("/public", response_class=HTMLResponse, responses=_HTML)
    def page(request: Request) -> Response:
        """Give the status page: lunar day, Earth day, who is awake, what came back."""
        counted = _counted(mission.plan, getattr(mission, "site", None))
        return _answer(request, _page(view.facts(), counted).encode(), "text/html; charset=utf-8")

    @routes.get("/public/feed.atom", response_class=Response, responses=_FEED)
    def feed(request: Request) -> Response:
        """Give the news as an Atom feed (RFC 4287)."""
        body = _feed(view.facts(), mission.plan.id, str(request.base_url))
        return _answer(request, body, "application/atom+xml")

    return routes


def _answer(request: Request, body: bytes, media_type: str) -> Response:
    """The body, or that it has not changed."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": "public, max-age=15", "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


@cache
def _template() -> Template:
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=False)
    text = files("moonpost.control.web").joinpath("templates/public.html").read_text(encoding="utf-8")
    return environment.from_string(text)


def _counted(plan: Plan, site: str | None) -> str:
    """From when days count at the station, and whether that is known or assumed."""
    from moonpost.control.timeline.skies import days_counted
    from moonpost.plan import OrbitStation

    if site is None and not isinstance(plan.station, OrbitStation):
        site = next((row.id for row in plan.station_sites()), None)
    return days_counted(plan, site)[0]


def _page(facts: PublicFacts, counted: str = "") -> str:
    return _template().render(
        facts=facts, counted=counted, stamp=_stamp, minute=_minute, day=_day, amount=_amount, mass=_mass
    )


def _feed(facts: PublicFacts, plan: str, base: str) -> bytes:
    from lxml import etree

    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})

    def put(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
        element = etree.SubElement(parent, f"{{{_ATOM}}}{name}", **attributes)
        element.text = text
        return element

    updated = facts.news[0].utc if facts.news else facts.utc
    put(feed, "id", f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'moonpost:{plan}:feed')}")
    put(feed, "title", f"{facts.title}: news")
    put(feed, "updated", _stamp(updated))
    put(put(feed, "author"), "name", facts.title)
    put(feed, "link", rel="self", type="application/atom+xml", href=f"{base}public/feed.atom")
    put(feed, "link", rel="alternate", type="text/html", href=f"{base}public")
    for row in facts.news:
        entry = put(feed, "entry")
        put(entry, "id", row.id)
        put(entry, "title", row.title)
        put(entry, "updated", _stamp(row.utc))
        put(entry, "link", rel="alternate", type="text/html", href=f"{base}public")
        put(entry, "summary", f"{row.title}: {_minute(row.utc)} UTC.")
    text: bytes = etree.tostring(feed, xml_declaration=True, encoding="utf-8", pretty_print=True)
    return text


def _stamp(t: np.datetime64) -> str:
    return f"{t.astype('datetime64[s]')}Z"


def _minute(t: np.datetime64) -> str:
    return str(t.astype("datetime64[m]")).replace("T", " ")


def _day(t: np.datetime64) -> str:
    return str(t.astype("datetime64[D]"))


def _amount(octets: int) -> str:
    size = float(octets)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000.0:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000.0
    return f"{size:,.1f} TB"


def _mass(mass_g: float) -> str:
    return f"{mass_g / 1000:.3f} kg" if mass_g >= 1000 else f"{mass_g:g} g"
