"""Two partners fly the station in a browser: the server is real, and so is the station it simulates."""

from __future__ import annotations

import io
import json
import signal
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image

SLOW_MS = 60_000
ROVER, STOW, TRACK = "assembly-rover", "assembly-rover.array-stow", "assembly-rover.array-track"
STOWED = timedelta(hours=130)
FIRST_LINE = (0x56, 0xB4, 0xE9)  # colour of a plot's first line
MARKUP = "agreed <script>window.markup = 1</script><img src=x onerror='window.markup = 2'>"


# Axes of plots, as they are asked for their ticks, and those plots that have values and a limit;
# with `fixed` those of a period that stands still, once all of its values have come.
NOTE_PLOTS = """() => {
  const [own, axes] = [moonpostAxes.ticks, new Map()];
  const FIXED = '.l-shell__time-conductor.is-fixed-mode, .l-shell__time-conductor .is-fixed-mode';
  moonpostAxes.ticks = function (axis, range, box) {
    axes.set(box, axis);
    return own.call(this, axis, range, box);
  };
  window.frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  window.limited = async (fixed) => {
    let [before, still] = [null, 0];
    for (let tries = 0; tries < 2000; tries += 1) {
      for (const [box, axis] of axes) {
        const plot = box.isConnected && box.querySelector('.gl-plot-y-tick-label') && box.closest('.gl-plot');
        const known = (one) => one.limits.WARNING?.low && one.getSeriesData().length;
        const series = plot && axis.seriesCollection.models.find(known);
        if (!series || (fixed && !document.querySelector(FIXED))) continue;
        still = series.getSeriesData()[0] === before ? still + 1 : 0;
        before = series.getSeriesData()[0];
        if (!fixed || still > 15) return { plot, axis, series };
        break;
      }
      await frame();
    }
    return {};
  };
}"""
# A value within the range of an axis, then one beyond it, before the next frame: how far a line of limits stands
# from where the axis has it then [px].
SCALE_ANEW = """async () => {
  const { plot, axis, series } = await limited(true);
  const limit = series.limits.WARNING.low.value;
  const found = [];
  for (let round = 1; round <= 3; round += 1) {
    const [last, { min, max }] = [series.getSeriesData().at(-1), axis.get('displayRange')];
    series.add({ utc: last.utc + 1, value: (min + max) / 2 });
    series.add({ utc: last.utc + 2, value: limit - 0.3 * round });
    await frame();
    const range = axis.get('displayRange');
    const height = plot.querySelector('.gl-plot-chart-area').clientHeight;
    const wanted = ((range.max - limit) / (range.max - range.min)) * height;
    const lines = [...plot.querySelectorAll('.c-plot-limit-line')];
    found.push([range.min < min, Math.min(...lines.map((line) => Math.abs(parseFloat(line.style.top) - wanted)))]);
  }
  return found;
}"""


class Seat:
    """A person at a browser of their own."""

    def __init__(self, browser: Any, server: Any, name: str) -> None:
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(SLOW_MS)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self._stays(request.url, server.address))
        self.person = server.people[name]
        self.page.goto(server.address)

    def _note(self, message: Any) -> None:
        if message.type == "error" and "status of 40" not in message.text:
            self.faults.append(message.text)

    def _stays(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.faults.append(f"asks another host: {url}")

    def sign_in(self) -> None:
        self.page.get_by_label("Name").fill(self.person.name)
        self.page.get_by_label("Password").fill(self.person.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_test_id("mission-time").wait_for()
        self.page.wait_for_function(
            "document.querySelector('[data-testid=mission-time]').textContent.endsWith('UTC')"
        )

    def open(self, key: str) -> None:
        self.page.evaluate(f"location.hash = '#/browse/moonpost:station/moonpost:{key}'")

    def speed(self, value: int) -> None:
        self.page.get_by_label("Speed of mission time").select_option(str(value))

    def time(self) -> datetime:
        text = self.page.get_by_test_id("mission-time").inner_text()
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)

    def ask(self, path: str) -> Any:
        """What the server answers this person, asked for from the page."""
        return json.loads(self.page.evaluate("path => fetch(path).then((answer) => answer.text())", path))

    def card(self, number: str) -> Any:
        return self.page.locator(f"article[data-id='{number}']:visible")


@pytest.fixture
def seats(browser: Any, server: Any, shots: Any) -> Any:
    opened = {name: Seat(browser, server, name) for name in ("li", "ivan")}
    yield opened
    for name, seat in opened.items():
        shots(seat.page, f"end-{name}")
        seat.context.close()


def lines_of(picture: bytes) -> np.ndarray:
    """Where the first line of a plot was drawn."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    return np.abs(pixels - FIRST_LINE).max(axis=-1) < 40


def drawn_area(seat: Seat) -> Any:
    return seat.page.locator(".gl-plot-chart-area").first


def test_two_partners_fly_the_station(seats: dict[str, Seat], shots: Any) -> None:
    li, ivan = seats["li"], seats["ivan"]
    for seat in (li, ivan):
        seat.sign_in()
    li.page.locator("[aria-label='Commands']").first.wait_for()

    the_rover_wakes_at_sunrise(li, shots)
    a_plot_moves(li, shots)
    number, back_at = a_hazardous_command_is_asked_for(li, shots)
    the_second_person_approves(li, ivan, number, shots)
    it_is_released_and_verified(li, number, shots)
    an_alarm_is_raised_and_acknowledged(li, back_at - timedelta(hours=1), shots)
    the_record_tells_it_all(li, number, shots)

    assert li.faults == []
    assert ivan.faults == []


def the_rover_wakes_at_sunrise(li: Seat, shots: Any) -> None:
    li.open("programme")
    row = li.page.locator(f"tr[data-machine='{ROVER}']")
    row.get_by_text("asleep").wait_for()
    li.speed(1000)
    row.get_by_text("awake").wait_for()
    shots(li.page, "programme")
    events = li.ask("/api/events?start_ms=0&stop_ms=4000000000000")["events"]
    woke = next(event for event in events if event["element"] == ROVER and event["kind"] == "wake")
    rose = next(event for event in events if event["element"] == "mast-2m" and event["kind"] == "sunrise")
    assert abs(woke["time_ms"] - rose["time_ms"]) <= 60_000
    assert li.time() >= datetime.fromtimestamp(woke["time_ms"] / 1000, UTC)


def a_plot_moves(li: Seat, shots: Any) -> None:
    li.open("channel.sky.sun_azimuth_deg")
    area = drawn_area(li)
    area.wait_for()
    first = None
    for _ in range(100):
        now = lines_of(area.screenshot())
        if first is None and now.sum() > 20:
            first = now
        elif first is not None:
            rows, columns = np.minimum(now.shape, first.shape)
            if (now[-rows:, -columns:] != first[-rows:, -columns:]).sum() > 20:
                break
        li.page.wait_for_timeout(200)
    else:
        pytest.fail("the line of the plot did not move")
    before = li.time()
    li.page.wait_for_timeout(500)
    assert li.time() - before >= timedelta(seconds=200)
    shots(li.page, "plot")


def form_of(li: Seat, command: str) -> Any:
    li.page.get_by_label("Dictionary").fill(command)
    li.page.locator(f"[data-command='{command}']").click()
    return li.page.get_by_role("form", name=f"Command {command}")


def a_hazardous_command_is_asked_for(li: Seat, shots: Any) -> tuple[str, datetime]:
    li.speed(100)
    li.open("commands")
    form = form_of(li, STOW)
    form.get_by_text("Somebody else has to approve").wait_for()
    form.get_by_role("button", name="Request").click()
    refused = li.page.locator("article[data-state='refused']:visible")
    refused.get_by_text(f"the store of {ROVER} would be empty").first.wait_for()

    # The array is told beforehand, on board, when to come back; with that the rover gets through.
    # Its store lasts 121 hours until the alarm, 134 until it is empty, whenever in that day the array is stowed.
    form = form_of(li, TRACK)
    back_at = li.time() + STOWED
    form.get_by_label("Carry out at").fill(f"{back_at:%Y-%m-%d %H:%M}")
    form.get_by_role("button", name="Request").click()
    back = li.page.locator("article:visible", has_text=TRACK)
    back.get_by_role("button", name="Release").click()
    back.get_by_text("scheduled").wait_for()

    form = form_of(li, STOW)
    form.get_by_label("Comment").fill("dust is blown on the array")
    form.get_by_role("button", name="Request").click()
    card = li.page.locator("article[data-state='waiting']:visible")
    card.wait_for()
    number = card.get_attribute("data-id")
    assert number
    card.get_by_role("button", name="Approve").click()
    card.get_by_text("nobody approves what he or she asked for").wait_for()
    shots(li.page, "commands")
    command = li.ask(f"/api/commands/{number}")["command"]
    assert (command["state"], command["approvals"]) == ("waiting", [])
    return number, back_at


def the_second_person_approves(li: Seat, ivan: Seat, number: str, shots: Any) -> None:
    ivan.page.get_by_test_id("approval-count").get_by_text("1 to approve").wait_for()
    ivan.page.get_by_test_id("approval-count").click()
    card = ivan.card(number)
    card.wait_for()
    command = li.ask(f"/api/commands/{number}")["command"]
    pairs = "".join(line[6:] for line in card.locator("pre").inner_text().splitlines()).replace(" ", "")
    assert pairs == command["octets"]
    assert card.locator(".mp-digest").inner_text() == command["digest"]
    card.get_by_text("computed here as well").wait_for()
    shots(ivan.page, "approvals")
    card.get_by_label("Comment").fill(MARKUP)
    ivan.page.keyboard.press("Tab")
    ivan.page.keyboard.press("Enter")
    card.wait_for(state="detached")
    assert focused(ivan) == "Waiting for approval"  # the last card is gone: the list has the focus


def it_is_released_and_verified(li: Seat, number: str, shots: Any) -> None:
    card = li.card(number)
    card.get_by_text(f"“{MARKUP}”").wait_for()
    assert li.page.evaluate("window.markup") is None
    card.get_by_role("button", name="Release").press("Enter")
    li.page.locator(f"article[data-id='{number}'][data-state='completed']:visible").wait_for()
    assert focused(li) == f"Command {number} {STOW}"  # made again at each stage
    for stage in ("requested", "approved", "released", "accepted", "started", "completed"):
        card.get_by_text(f"✓ {stage}", exact=True).first.wait_for()
    shots(li.page, "verified")


def an_alarm_is_raised_and_acknowledged(li: Seat, until: datetime, shots: Any) -> None:
    li.open("operator")
    key = f"{ROVER}.stored_fraction"
    row = li.page.locator(f"[data-alarm='{key}']:visible")
    li.page.get_by_test_id("until").click()
    ask = li.page.get_by_role("dialog")
    ask.get_by_role("button", name="next sunset").wait_for()
    ask.get_by_label("Speed").select_option("100000")
    ask.get_by_label("Until (UTC)").fill(f"{until:%Y-%m-%d %H:%M}")
    shots(li.page, "until")
    li.page.keyboard.press("Enter")
    row.get_by_text("low").first.wait_for()  # the array is stowed: the rover lives on its store
    while li.time() < until.replace(second=0):
        li.page.wait_for_timeout(50)
    assert li.ask("/api/clock")["speed"] == 1.0
    assert int(li.page.get_by_test_id("alarm-count").inner_text().split()[1]) >= 1
    shots(li.page, "operator")
    row.get_by_role("button", name=f"Acknowledge {key}").click()
    dialog = li.page.get_by_role("dialog")
    dialog.get_by_label("Comment").fill("the array comes back soon")
    li.page.keyboard.press("Tab")
    li.page.keyboard.press("Enter")
    row.get_by_text("✓ li").wait_for()
    row.get_by_text("“the array comes back soon”").wait_for()
    dialog.wait_for(state="detached")
    alarm = next(alarm for alarm in li.ask("/api/alarms")["alarms"] if alarm["key"] == key)
    assert alarm["acknowledged_by"] == "li"
    shots(li.page, "alarms")


def the_record_tells_it_all(li: Seat, number: str, shots: Any) -> None:
    li.open("audit")
    table = li.page.get_by_role("table", name="Audit")
    of_command = table.locator(f"tr[data-command='{number}']")
    of_command.first.wait_for()
    table.locator("tr[data-action='alarm-acknowledged']").wait_for()
    shots(li.page, "audit")
    told = of_command.all_inner_texts()
    for words in (("approve", "ivan"), ("release", "li"), ("report", "completed")):
        assert any(all(word in text for word in words) for text in told), (words, told)
    assert table.get_by_text("command.approve refused").count() == 1


def test_a_wrong_password_is_told(browser: Any, server: Any) -> None:
    seat = Seat(browser, server, "li")
    seat.page.get_by_label("Name").fill("li")
    seat.page.get_by_label("Password").fill("not this one")
    seat.page.keyboard.press("Enter")
    seat.page.get_by_role("alert").get_by_text("name or password is wrong").wait_for()
    assert seat.page.get_by_test_id("mission-time").count() == 0
    assert seat.faults == []
    seat.context.close()


def test_keys_alone_ask_for_a_command_and_stack_another(browser: Any, server: Any) -> None:
    seat = Seat(browser, server, "li")
    seat.sign_in()
    seat.open("commands")
    keys = seat.page.keyboard
    seat.page.get_by_label("Dictionary").focus()
    keys.type("ping")
    step_to(seat, "ping")
    keys.press("Enter")
    step_to(seat, "Request")
    keys.press("Enter")
    seat.page.locator("article:visible", has_text="ping").first.wait_for()
    step_to(seat, "Add to stack")
    keys.press("Enter")
    seat.page.get_by_role("heading", name="Stack (1)").wait_for()
    step_to(seat, "✕")
    keys.press("Space")
    seat.page.get_by_role("heading", name="Stack (0)").wait_for()
    assert focused(seat) == "Stack (0)"
    seat.page.get_by_role("button", name="Sign out").press("Enter")
    seat.page.get_by_label("Password").wait_for()
    assert "401" in seat.page.evaluate("fetch('/api/me').then((answer) => String(answer.status))")
    assert seat.faults == []
    seat.context.close()


def focused(seat: Seat) -> Any:
    """Name or text of what has the focus."""
    return seat.page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()"
    )


def step_to(seat: Seat, text: str) -> None:
    """Press Tab until the control with this text has the focus."""
    for _ in range(30):
        seat.page.keyboard.press("Tab")
        if seat.page.evaluate("document.activeElement.textContent.trim()").startswith(text):
            return
    pytest.fail(f"{text} cannot be reached by Tab")


def test_a_lost_connection_is_shown_and_comes_back(browser: Any, server: Any) -> None:
    seat = Seat(browser, server, "ivan")
    seat.sign_in()
    banner = seat.page.get_by_test_id("banner")
    server.process.send_signal(signal.SIGSTOP)
    try:
        banner.get_by_text("Connection lost").wait_for()
    finally:
        server.process.send_signal(signal.SIGCONT)
    banner.wait_for(state="hidden")
    before = seat.time()
    seat.speed(1000)
    while seat.time() - before < timedelta(minutes=10):
        seat.page.wait_for_timeout(50)
    seat.context.close()


@pytest.mark.parametrize(
    ("layout", "parts"),
    [
        (
            "operator",
            ["Lunar day", "Alarms", "Power of the station", "Stored energy of each bus", "Commands", "Requests"],
        ),
        ("scientist", ["Polar map", "Lunar day", "Sun elevation", "Light on the masts", "Timeline"]),
        ("programme-office", ["Programme", "Timeline", "Moon globe"]),
    ],
)
def test_each_layout_opens_without_a_fault(
    browser: Any, server: Any, shots: Any, layout: str, parts: list[str]
) -> None:
    seat = Seat(browser, server, "li")
    seat.sign_in()
    seat.open(layout)
    frames = seat.page.locator(".c-fl-frame")
    for part in parts:
        frame = frames.filter(has=seat.page.get_by_text(part, exact=True)).first
        content = frame.locator(".c-so-view__object-view").locator(
            "canvas:visible, table:visible, ul:visible, svg:visible, p:visible"
        )
        content.first.wait_for()
    shots(seat.page, f"layout-{layout}")
    if layout == "operator":
        lines_of_limits_keep_to_the_axis(seat)
    if layout == "programme-office":
        contact_beyond_the_simulated_is_told_as_not_known(seat)
        labels_of_a_small_globe_keep_apart(seat, shots)
    assert seat.faults == []
    seat.context.close()


def lines_of_limits_keep_to_the_axis(seat: Seat) -> None:
    """In a period that stands still, so that nothing else has the plots drawn anew."""
    seat.page.evaluate(NOTE_PLOTS)
    seat.page.evaluate("limited().then(() => null)")
    now = int(seat.time().timestamp() * 1000)
    period = f"tc.mode=fixed&tc.timeSystem=utc&tc.startBound={now - 7_200_000}&tc.endBound={now}"
    seat.page.evaluate(f"location.hash = '#/browse/moonpost:station/moonpost:operator?{period}'")
    found = seat.page.evaluate(SCALE_ANEW)
    assert len(found) == 3
    for widened, off_px in found:
        assert widened
        assert off_px <= 1.5


def contact_beyond_the_simulated_is_told_as_not_known(seat: Seat) -> None:
    seat.page.locator(".mp-tl-chart [data-id]").first.wait_for(state="attached")
    unknown = seat.page.get_by_test_id("contact-unknown")
    assert unknown.count() == 0
    seat.page.get_by_label("Whole period (key: A)").click()
    unknown.wait_for(state="attached")


def labels_of_a_small_globe_keep_apart(seat: Seat, shots: Any) -> None:
    seat.page.set_viewport_size({"width": 1024, "height": 700})
    seat.page.locator(".mp-gl-label", has_text="Station").wait_for()
    for _ in range(50):
        if not overlapping(seat, ".mp-gl-label, .mp-gl-panel, .mp-gl-foot"):
            break
        seat.page.wait_for_timeout(100)
    else:
        pytest.fail("labels of the globe stand on each other or under what is written beside them")
    shots(seat.page, "small-globe")


def overlapping(seat: Seat, parts: str) -> list[list[list[float]]]:
    """Boxes of visible parts of the page that share pixels, in pairs."""
    boxes = seat.page.evaluate(
        "parts => [...document.querySelectorAll(parts)].map((part) => part.getBoundingClientRect())"
        ".filter(({ width }) => width).map((box) => [box.left, box.top, box.right, box.bottom])",
        parts,
    )
    return [
        [one, other]
        for one, other in combinations(boxes, 2)
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]
