"""The page: complete, self-contained, escaped, with a unit on every column of numbers and red where negative."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from moonpost.errors import InputError
from moonpost.report.overview import banner, leading_assumptions, overview
from moonpost.report.parts import Column, Table, table
from moonpost.report.render import Drawn, page, sections
from moonpost.study.results import ContactRow, LinkRow, StudyRecord

CHAPTERS = ["sites", "light", "dormancy", "power", "build", "mass", "contacts", "partners", "all-assumptions"]


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures out, where a test reads only text: they take seconds."""
    monkeypatch.setattr("moonpost.report.render.draw", lambda picture: Drawn(picture, "", "", 100, 100))


class Elements(HTMLParser):
    """All start tags with their attributes, and the text of the page without its styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._raw = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._raw = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def changed(record: StudyRecord, part: str, **updates: object) -> StudyRecord:
    """The record with some fields of one of its parts replaced."""
    return record.model_copy(update={part: getattr(record, part).model_copy(update=updates)})


@pytest.mark.parametrize("kind", ["surface", "orbit"])
def test_asks_nothing_of_the_network_and_runs_no_script(kind, request):
    text = request.getfixturevalue(f"{kind}_page")
    for tag, attributes in Elements(text).tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "srcset", "href", "xlink:href", "action", "poster", "data"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,"))
    assert "@import" not in text
    assert not re.findall(r"url\(\s*['\"]?(?!#)", text)


@pytest.mark.parametrize("kind", ["surface", "orbit"])
def test_links_lead_to_places_on_the_page_and_no_identifier_is_used_twice(kind, request):
    tags = Elements(request.getfixturevalue(f"{kind}_page")).tags
    counted = Counter(attributes["id"] for _, attributes in tags if "id" in attributes)
    assert max(counted.values()) == 1
    targets = {attributes["href"][1:] for _, attributes in tags if attributes.get("href", "").startswith("#")}
    assert targets <= set(counted)


def test_every_figure_says_what_it_shows(surface_page):
    tags = Elements(surface_page).tags
    assert sum(tag == "figure" for tag, _ in tags) >= 14
    assert all(len(attributes["alt"]) > 20 for tag, attributes in tags if tag == "img")
    roles = [attributes for _, attributes in tags if attributes.get("role") == "img"]
    assert roles
    assert all(len(attributes["aria-label"]) > 20 for attributes in roles)


def test_the_first_screen_holds_what_a_planner_asks_first(surface, surface_page):
    record, text = surface.record, Elements(surface_page).text
    first = text[: text.index("Contents")]
    for verdict in record.verdicts:
        assert verdict.question in first
        assert verdict.answer in first
    for name in ("Longest darkness", "Storage needed", "Published", "Kernels", record.plan.sha256):
        assert name in first
    assert "Gläser et al. 2014" in first
    for row in record.partners.approvals:
        assert not row.missing or row.name in first
    for case in record.self_test:
        assert case.case in first
        assert case.obtained in first
    order = [
        "Verdicts",
        "Site and terrain",
        "The worst lunar month",
        "Margins",
        "Launches",
        "Approvals",
        "Self-test",
    ]
    places = [first.index(title) for title in order]
    assert places == sorted(places)


def test_ten_assumptions_are_shown_with_confidence_and_the_largest_effect_first(surface, surface_page):
    rows = leading_assumptions(surface.record)
    assert len(rows) == 10
    effects = [row.effect_wh for row in rows if row.effect_wh]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] == max(row.effect_wh or 0.0 for row in surface.record.design.sensitivity)
    first = Elements(surface_page).text.split("Contents")[0]
    for row in rows:
        assert re.search(re.escape(row.text) + rf"\s*{row.confidence}", first)


def test_chapters_come_in_order_and_empty_ones_are_left_out(surface, undrawn):
    record = changed(surface.record, "operate", contacts=(), links=())
    found = [section.name for section in sections(record, surface.series)]
    assert found[:8] == [name for name in CHAPTERS if name != "contacts"]
    contact = ContactRow(station="a", name="Antenna A", hours_per_day=8.0, share=0.333, longest_gap_h=16.5)
    link = LinkRow(link="b", name="Link B", rate_bit_s=2e6, margin_db=-1.5, missing=("gain",))
    full = changed(surface.record, "operate", contacts=(contact,), links=(link,))
    assert [section.name for section in sections(full, surface.series)][:9] == CHAPTERS
    text = Elements(page(full, {})).text
    assert "Antenna A" in text
    assert "16.5" in text
    assert "−1.5" in text


def _tables(study) -> list[Table]:
    first = overview(study.record, study.series)
    found = [
        getattr(first, name) for name in ("verdicts", "darkness", "storage", "masses", "assumptions", "self_test")
    ]
    return found + [
        part
        for section in sections(study.record, study.series)
        for part in section.shown
        if isinstance(part, Table)
    ]


@pytest.mark.parametrize("kind", ["surface", "orbit"])
def test_every_column_that_holds_numbers_has_a_unit_and_none_is_without_a_title(kind, request):
    tables = _tables(request.getfixturevalue(kind))
    assert len(tables) >= 15
    for found in tables:
        for k, column in enumerate(found.columns):
            assert column.title
            values = [row[k].text for row in found.rows]
            if (
                found.name != "versions"
                and values
                and all(re.fullmatch(r"[+−]?[\d,.]+", value) for value in values)
            ):
                assert column.kind in {"number", "when"}, (found.name, column.title)
            if column.kind in {"number", "when"}:
                assert column.unit, (found.name, column.title)


def test_a_column_of_numbers_without_unit_and_a_ragged_row_are_refused():
    with pytest.raises(InputError, match="no unit"):
        Column("Mass", kind="number")
    with pytest.raises(InputError, match="2 cells for 1 columns"):
        table("t", "T", (Column("A"),), [("a", "b")])


def test_negative_margins_are_marked_and_positive_ones_are_not(surface, undrawn):
    storage = surface.record.design.storage
    rows = (storage[0].model_copy(update={"margin_wh": -41_200.0, "margin": -0.25}), *storage[1:])
    checks = [row.model_copy(update={"launch_margin_kg": -7.0}) for row in surface.record.design.mass_checks]
    record = changed(surface.record, "design", storage=rows, mass_checks=tuple(checks))
    text = page(record, {})
    assert re.search(r'<td[^>]*class="[^"]*\bnegative\b[^"]*">−41<', text)
    assert re.search(r'<td[^>]*class="[^"]*\bnegative\b[^"]*">−25<', text)
    assert re.search(r'<td[^>]*class="[^"]*\bnegative\b[^"]*">−7<', text)
    assert not re.search(r'class="[^"]*\bnegative\b[^"]*">\+', text)
    assert re.search(r"\.negative\s*\{[^}]*color: var\(--red\)", text)


def test_a_margin_in_a_verdict_is_red_where_negative(surface, undrawn):
    verdict = surface.record.verdicts[1].model_copy(update={"margin": "-229 kWh", "closes": False})
    record = surface.record.model_copy(update={"verdicts": (verdict,)})
    assert re.search(r'class="[^"]*\bnegative\b[^"]*">−229 kWh<', page(record, {}))


def test_the_banner_says_screening_where_a_result_that_matters_is(surface, orbit, undrawn):
    assert banner(orbit.record).level == "fine"
    coarse = changed(surface.record, "site", grade="screening")
    assert banner(coarse).level == "stop"
    assert banner(coarse).title == "Screening: do not size hardware"
    rows = tuple(row.model_copy(update={"grade": "site"}) for row in surface.record.site.rows)
    assert banner(changed(surface.record, "site", grade="site", rows=rows)).level == "fine"
    mixed = (*rows[:-1], rows[-1].model_copy(update={"grade": "screening"}))
    partly = banner(changed(surface.record, "site", grade="site", rows=mixed))
    assert partly.level == "partly"
    assert partly.title == f"Screening: do not size hardware for {rows[-1].name}"
    assert "Screening: do not size hardware" in page(coarse, {})


def test_text_of_the_plan_is_escaped_everywhere(surface):
    hostile = '<script>alert("x")</script> & $x_1$ 月'
    record = surface.record.model_copy(
        update={"plan": surface.record.plan.model_copy(update={"title": hostile, "summary": hostile})}
    )
    record = changed(
        record, "partners", shares=tuple(r.model_copy(update={"name": hostile}) for r in record.partners.shares)
    )
    record = changed(
        record, "build", gantt=tuple(r.model_copy(update={"name": hostile}) for r in record.build.gantt)
    )
    record = changed(record, "site", rows=tuple(r.model_copy(update={"name": hostile}) for r in record.site.rows))
    text = page(record, surface.series)
    assert "<script" not in text.lower()
    assert "&lt;script&gt;" in text
    assert Elements(text).text.count(hostile) > 10


def test_a_record_without_series_still_makes_a_report(surface, undrawn):
    text = page(surface.record, {})
    assert "Verdicts" in text
    assert "fig-month" not in text
    assert "fig-gantt" in text


def test_orbit_adapts_the_parts_that_belong_to_a_site(orbit, orbit_page):
    assert [section.name for section in sections(orbit.record, orbit.series)][:2] == ["sites", "light"]
    assert "fig-horizon" not in orbit_page
    assert "fig-map" not in orbit_page
    assert "fig-shadow" in orbit_page
    assert "Lowest altitude" in orbit_page


def test_the_file_stays_small(surface_page):
    assert len(surface_page.encode()) < 4_000_000


def test_a_study_that_lacks_parts_is_refused(tmp_path):
    """One clear error for a folder from which a series or a table was taken."""
    from moonpost.errors import DataError
    from moonpost.plan import load_plan, with_number
    from moonpost.report.write import report as write
    from moonpost.study import study as run

    folder = tmp_path / "out"
    run(with_number(load_plan("ilrs-orbit"), "design.years", 0.1), folder)
    (folder / "series" / "operate-year.nc").unlink()
    with pytest.raises(DataError, match=r"lacks series/operate-year\.nc"):
        write(folder, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
