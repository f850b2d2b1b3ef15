"""The page in a browser: nothing wider than the screen, no empty picture, at a desk and on a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pytest

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
  const boxes = [...page.querySelectorAll("img, svg")].filter(shown).map(e => e.getBoundingClientRect());
  const clipped = [...page.querySelectorAll("svg")].filter(shown).flatMap(svg => {{
    const edge = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].filter(t => {{
      const r = t.getBoundingClientRect();
      const out = Math.max(edge.left - r.left, r.right - edge.right, edge.top - r.top, r.bottom - edge.bottom);
      return out > 3;
    }}).map(t => t.textContent);
  }});
  document.getElementById("out").textContent = JSON.stringify({{
    inner: frame.innerWidth, scroll: root.scrollWidth,
    wide: wide.map(e => e.tagName + "." + e.className).slice(0, 9),
    figures: page.querySelectorAll("figure").length, pictures: boxes.length,
    empty: boxes.filter(r => r.width < 50 || r.height < 30).length,
    broken: [...page.images].filter(i => shown(i) && i.naturalWidth < 50).length, clipped: clipped,
    verdicts: page.querySelector(".verdicts").getBoundingClientRect().bottom
  }});
}});
</script>
"""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium found on the path: install it to check the layout of the report")
    return found


def look(chromium, page, width, tmp_path):
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.format(width=width, page=html.escape(page, quote=True)), encoding="utf-8")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += ["--no-first-run", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000"]
    command += [f"--window-size={max(width, 500) + 40},1000", "--dump-dom", probe.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", ["surface", "orbit"])
def test_nothing_is_cut_off_and_no_picture_is_empty(kind, width, chromium, tmp_path, request):
    found = look(chromium, request.getfixturevalue(f"{kind}_page"), width, tmp_path)
    assert found["scroll"] <= found["inner"] <= width
    assert found["wide"] == []
    assert found["pictures"] == found["figures"] >= 8
    assert found["empty"] == 0
    assert found["broken"] == 0
    assert found["clipped"] == []


@pytest.mark.parametrize(("width", "screens_px"), [(1280, 800), (390, 2 * 844)])
def test_all_verdicts_stand_on_the_first_screen_or_on_two_of_a_phone(
    width, screens_px, chromium, tmp_path, request
):
    found = look(chromium, request.getfixturevalue("surface_page"), width, tmp_path)
    assert found["verdicts"] <= screens_px
