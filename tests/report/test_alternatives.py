"""The page of plans side by side: complete, self-contained, and nothing wider than the screen."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from moonpost.report.alternatives import alternative_page, write_alternative
from moonpost.report.figures.alternatives import growth_figure, risk_figure, trade_figure
from moonpost.study import Study
from moonpost.study.alternative import compare_studies
from moonpost.study.alternativemodel import PlanComparison

PROBE = """
<iframe id="f" style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>
<pre id="out">nothing</pre>
<script>
document.getElementById("f").addEventListener("load", function () {{
  const frame = this.contentWindow, page = this.contentDocument, root = page.documentElement;
  page.querySelectorAll("details").forEach(d => d.open = true);
  const shown = e => e.getClientRects().length > 0;
  const wide = [...page.querySelectorAll("body *")].filter(e =>
    shown(e) && !e.closest(".scroll table") && !e.closest("svg") && !e.closest("caption") &&
    e.getBoundingClientRect().right > frame.innerWidth + 1);
  const duel = page.querySelector(".duel");
  const clipped = [...page.querySelectorAll("svg")].filter(shown).flatMap(svg => {{
    const edge = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].filter(t => {{
      const r = t.getBoundingClientRect();
      const out = Math.max(edge.left - r.left, r.right - edge.right, edge.top - r.top, r.bottom - edge.bottom);
      return out > 3;
    }}).map(t => t.textContent);
  }});
  document.getElementById("out").textContent = JSON.stringify({{
    inner: frame.innerWidth, scroll: root.scrollWidth, clipped: clipped,
    wide: wide.map(e => e.tagName + "." + e.className).slice(0, 9),
    figures: page.querySelectorAll("figure").length,
    pictures: [...page.querySelectorAll("svg")].filter(shown).length,
    duel: duel.scrollWidth - duel.clientWidth
  }});
}});
</script>
"""


@pytest.fixture(scope="module")
def record(surface: Study, orbit: Study) -> PlanComparison:
    return compare_studies([surface, orbit], members=2, nodes=2, runs=100, folders=[".", "alternative-ilrs-orbit"])


@pytest.fixture(scope="module")
def page(record: PlanComparison) -> str:
    return alternative_page(record)


def test_every_row_objective_and_launch_stands_on_the_page(record: PlanComparison, page: str) -> None:
    text = html.unescape(page)
    for row in record.rows:
        assert row.question in text
        for value in row.values:
            assert value.rests_on in text
    for objective in record.objectives:
        assert objective.name in text
    for launch in record.launches:
        assert launch.name in text
    for line in (*record.summary, *record.not_shared, *(limit for side in record.plans for limit in side.limits)):
        assert line in text
    assert text.count("<figure") == 3


def test_the_page_needs_nothing_else(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    assert not re.search(r"url\((?!#)", page)
    assert 'href="alternative-ilrs-orbit/report.html"' in page


def test_a_page_without_risk_and_shared_launches_whose_names_are_no_markup(
    record: PlanComparison, tmp_path: Path
) -> None:
    side = record.plans[0].model_copy(update={"station_name": "<img src=x onerror=alert(1)>", "title": "<b>x"})
    bare = record.model_copy(
        update={
            "plans": (side, *record.plans[1:]),
            "risks": (),
            "launches": (),
            "not_shared": (),
            "rows": tuple(row for row in record.rows if row.topic not in ("risk", "mass", "flight")),
        }
    )
    path = write_alternative(bare, tmp_path / "deep" / "alternative.html")
    text = path.read_text(encoding="utf-8")
    assert text.rstrip().endswith("</html>")
    assert "<img" not in text
    assert "<b>x" not in text
    assert "How likely it is" not in text
    assert text.count("<figure") == 2


@pytest.mark.parametrize("width_in", [3.6, 12.2])
def test_figures_draw_at_both_widths(record: PlanComparison, width_in: float) -> None:
    for draw in (trade_figure, growth_figure, risk_figure):
        figure = draw(record, width_in)
        figure.canvas.draw()
        assert figure.get_size_inches()[0] == pytest.approx(width_in)
    lines = growth_figure(record, width_in).axes[0].get_lines()
    assert max(lines[0].get_ydata()) == pytest.approx(
        max(point.station_power_w for point in record.plans[0].curve) / 1e3
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(page: str, width: int, tmp_path: Path) -> None:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium found on the path: install it to check the layout of the page")
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.format(width=width, page=html.escape(page, quote=True)), encoding="utf-8")
    command = [found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += ["--no-first-run", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000"]
    command += [f"--window-size={max(width, 500) + 40},1000", "--dump-dom", probe.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    match = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match is not None
    seen = json.loads(html.unescape(match[1]))
    assert seen["scroll"] <= seen["inner"] <= width
    assert seen["wide"] == []
    assert seen["clipped"] == []
    assert seen["pictures"] == seen["figures"] == 3
    assert seen["duel"] <= 1, "the table fits without scrolling"
