"""``moonpost build whatif``, ``diff`` and ``joint``: fixed keys, files written and kept, errors in one line."""

import json

import pytest

from moonpost.files import digest
from moonpost.plan import load_plan, plan_path

FIXED = {"moved", "broken", "orphaned_objectives", "shares_before", "shares_after", "repair"}


def test_the_command_of_question_11(cli):
    before = digest(plan_path("ilrs"))
    run = cli("build", "whatif", "ilrs", "--slip", "ilrs-1=2y", "--cancel", "ce8", "--json")
    assert (run.code, run.err) == (0, "")
    told = json.loads(run.out)
    assert told.keys() >= FIXED
    assert {row["id"] for row in told["moved"] if row["table"] == "missions"} >= {"ilrs-1", "ilrs-2"}
    assert {row["id"] for row in told["broken"] if row["table"] == "missions"} == {"ce8", "ilrs-3"}
    assert all(row["days"] > 0 and row["before"] < row["after"] for row in told["moved"])
    assert told["orphaned_objectives"] == ["oxygen-from-regolith"]
    assert sum(told["shares_before"].values()) == pytest.approx(1.0)
    assert {row["kind"] for row in told["repair"]} <= {"date", "carry", "require", "launch", "support", "drop"}
    assert all(row.keys() == {"kind", "subject", "to", "text"} for row in told["repair"])
    assert told["repairs"][0]["steps"] == told["repair"]
    assert told["repairs"][0]["proved"] is True
    assert told["origin"]["untouched"] is True
    assert told["origin"]["file_sha256_before"] == before == digest(plan_path("ilrs"))


def test_people_read_the_same(cli):
    run = cli("build", "whatif", "ilrs", "--slip", "ilrs-1=2y", "--cancel", "ce8")
    assert run.code == 0
    assert "breaks: missions[ilrs-3]: requires ce8, which is cancelled" in run.out
    assert "loses its last instrument: objectives[oxygen-from-regolith]" in run.out
    assert "share of the mass: roscosmos" in run.out
    assert "entitlement on 2035-01-01: cnsa" in run.out
    assert "optimal" in run.out
    assert run.out.rstrip().endswith("the plan it came from is untouched")
    quiet = cli("build", "whatif", "ilrs", "--slip", "ilrs-5=1d")
    assert "breaks: nothing" in quiet.out
    assert "repair" not in quiet.out


@pytest.mark.parametrize("slip", ["ilrs-1=2y", "ilrs-1=24m", "ilrs-1=2", "ilrs-1=1y12m"])
def test_two_years_in_other_words(cli, slip):
    run = cli("build", "whatif", "ilrs", "--slip", slip, "--json")
    told = json.loads(run.out)
    assert told["moved"][0]["after"] == "2033-01-01T00:00:00Z"


def test_a_new_version_is_written_loads_and_differs_as_told(cli, tmp_path):
    before = digest(plan_path("ilrs"))
    run = cli(
        "build", "whatif", "ilrs", "--slip", "ilrs-1=90d", "--cancel", "ce8", "--save", tmp_path / "new.toml",
        "--save-repaired", tmp_path / "mended.toml", "--json",
    )  # fmt: skip
    saved = json.loads(run.out)["saved"]
    assert [row["version"] for row in saved] == ["2026.11+1", "2026.11+1"]
    for row in saved:
        assert load_plan(row["path"]).sha256 == row["sha256"]
    assert digest(plan_path("ilrs")) == before
    told = json.loads(cli("build", "diff", "ilrs", tmp_path / "new.toml", "--json").out)
    assert told["same"] is False
    assert {"missions[ilrs-1].launch", "missions[ce8].status", "version"} <= {c["place"] for c in told["changes"]}
    assert told["after"]["sha256"] == saved[0]["sha256"]
    shown = cli("build", "diff", "ilrs", tmp_path / "new.toml")
    assert "~ missions[ce8].status: planned -> cancelled" in shown.out
    assert cli("build", "diff", "ilrs", tmp_path / "new.toml", "--check").code == 1
    assert cli("build", "diff", "ilrs", "ilrs", "--check").code == 0
    assert cli("check", tmp_path / "mended.toml").code == 0


def test_what_is_there_is_not_lost(cli, tmp_path):
    target = tmp_path / "new.toml"
    target.write_text("mine")
    words = ("build", "whatif", "ilrs", "--cancel", "ce8", "--save", target)
    run = cli(*words)
    assert run.code == 2
    assert "is there already" in run.err
    assert target.read_text() == "mine"
    assert cli(*words, "--replace").code == 0
    plan = load_plan(target)
    own = cli("build", "whatif", target, "--slip", "ilrs-5=1y", "--save", target, "--replace")
    assert own.code == 2
    assert "read from" in own.err
    assert load_plan(target).sha256 == plan.sha256


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "nothing to change"),
        (("--slip", "ilrs-1"), "cannot be read"),
        (("--slip", "=2y"), "cannot be read"),
        (("--slip", "ilrs-1="), "cannot be read"),
        (("--slip", "ilrs-1=soon"), "is not a slip"),
        (("--slip", "ilrs-1=-2y"), "is not a slip"),
        (("--slip", "ilrs-1=nan"), "is not a slip"),
        (("--slip", "ilrs-1=0y"), "is no slip"),
        (("--slip", "ilrs-1=1e5y"), "is not a slip"),
        (("--slip", "ilrs-1=1y", "--slip", "ilrs-1=2y"), "named twice"),
        (("--slip", "ilrs1=2y"), "did you mean ilrs-1"),
        (("--cancel", "ce99"), "unknown mission"),
        (("--cancel", "ce5"), "is flown already"),
        (("--cancel", "luna-25"), "is lost already"),
        (("--cancel", "ce8", "--slip", "ce8=1y"), "slipped and cancelled"),
        (("--date", "ce8=when"), "is not a date"),
        (("--cancel", "ce8", "--cost", "cz-10=many"), "could not convert"),
        (("--cancel", "ce8", "--cost", "cz-11=5"), "did you mean"),
        (("--cancel", "ce8", "--cost", "cz-10=nan"), "cost of cz-10"),
        (("--cancel", "ce8", "--relaunch-days", "nan"), "is no time"),
        (("--cancel", "ce8", "--at", "someday"), "someday"),
        (("--cancel", "ce8", "--plot", "chart.gif"), "end it in .png"),
        (("--cancel", "ce8", "--save", "plan.txt"), "end it in .toml"),
        (("--cancel", "ce8", "--version", "2026.11", "--save", "plan.toml"), "no new version"),
        (("--slip", "ilrs-5=1d", "--save-repaired", "plan.toml"), "nothing to repair"),
    ],
)
def test_what_cannot_be_ends_in_one_line(cli, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    run = cli("build", "whatif", "ilrs", *words)
    assert run.code == 2
    assert run.out == ""
    assert text in run.err
    assert len(run.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_plan_ends_in_one_line(cli, tmp_path):
    bad = tmp_path / "half.toml"
    bad.write_bytes(plan_path("ilrs").read_bytes()[:20_001])
    for words in (("whatif", bad, "--cancel", "ce8"), ("diff", "ilrs", bad), ("joint", bad)):
        run = cli("build", *words)
        assert run.code == 2
        assert "half.toml" in run.err


def test_joint_missions_and_demonstrations(cli, tmp_path):
    run = cli("build", "joint", "ilrs", "--json", "--plot", tmp_path / "joint.png")
    told = json.loads(run.out)
    rows = {row["support"]: row for row in told["supports"]}
    assert rows["luna-26-images-for-ce7"]["status"] == "broken"
    assert told["failing"] == {}
    assert "reactor" in told["unproven"]
    for row in told["demonstrations"]:
        assert row["exit_criterion"]
        assert row["trl_now"] <= row["trl_goal"]
    assert (tmp_path / "joint.png").stat().st_size > 10_000
    then = json.loads(cli("build", "joint", "ilrs", "--date", "luna-26=2024", "--json").out)
    assert {row["support"]: row["status"] for row in then["supports"]}["luna-26-images-for-ce7"] == "holds"
    text = cli("build", "joint", "ilrs").out
    assert "broken: Luna 26 images the landing area of Chang'e 7" in text
    assert "counts as shown if" in text


def test_the_picture_is_drawn_for_a_page_and_a_phone(tmp_path):
    from moonpost.campaign import build_with_support, what_if
    from moonpost.report.figures.style import PHONE_IN, save_figure
    from moonpost.report.figures.whatif import joint_figure, whatif_figure

    plan = load_plan("ilrs")
    for width_in in (9.0, PHONE_IN):
        found = what_if(plan, slip={"ilrs-1": "2y"}, cancel=["ce8"])
        for figure in (whatif_figure(found, width_in), joint_figure(build_with_support(plan).supports, width_in)):
            assert save_figure(figure, tmp_path / "one.png").stat().st_size > 10_000
    nothing = what_if(plan, slip={"luna-26": "1d"})
    assert whatif_figure(nothing, 6.0).axes
    assert joint_figure((), 6.0).axes
