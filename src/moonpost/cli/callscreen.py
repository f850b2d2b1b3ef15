"""``moonpost call screen`` and ``moonpost call replay``: proposals against their host, a whole call again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.partners.calls import CallState
    from moonpost.partners.callterms import CallTerms
    from moonpost.partners.proposals import Proposal
    from moonpost.study.callreplay import CallReplay
    from moonpost.study.callscreening import ScreenedProposal

__all__ = ["register"]

_WIDTH_IN = 9.0
_PLOTS = (".png", ".svg", ".pdf")
_WORDS = {True: "yes", False: "no", None: "not known"}


def register(app: typer.Typer) -> None:
    """Add the verbs to those of calls."""
    app.command("screen")(screen)
    app.command("replay")(replay)


def screen(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    call: str = typer.Argument(help="Identifier of the call in the plan's table calls."),
    proposals: Path = typer.Option(None, help="TOML with a table [[proposals]] for each; or those of the record."),
    record: str = typer.Option("", help="Record of the call: its letters are screened."),
    date: str = typer.Option("", help="With a record: keep what was found there, dated so, UTC."),
    together: bool = typer.Option(False, "--together", help="With a record: the chosen as one, all at once."),
    waive: list[str] = typer.Option(
        [], help="PROPOSAL=REASON: may go on although something is not known; repeat it."
    ),
    host: str = typer.Option("", help="Element that carries them; the call's, or its mission's only lander."),
    site: str = typer.Option("", help="Site of the plan where the host stands; its mission's if not given."),
    start: str = typer.Option("", "--from", help="First day, UTC; the plan's design start if not given."),
    years: float = typer.Option(1.0, help="Length of the period [years]."),
    height_m: float = typer.Option(None, help="Where they sit above ground [m]; at the host's arrays."),
    downlink_bit_s: float = typer.Option(None, help="Rate of the host's link; the plan's if not given [bit/s]."),
    contact_share: float = typer.Option(None, help="Part of the time in contact; from terrain if not given."),
    key: Path = typer.Option(None, help="Your key (PEM file); needed where the record is a ledger."),
    as_json: bool = JSON,
) -> None:
    """Screen proposals: mass, power, energy by night, data, view, temperature, location.

    Yes, no, or not known where the plan does not tell, with the number that decides.

    Example: moonpost call screen ilrs ce8-call --proposals proposals.toml --site connecting-ridge
    """
    from moonpost.plan import load_plan
    from moonpost.study.callscreening import call_host, screen_proposals, screen_together

    if bool(proposals) == bool(record) or (date and not record) or (together and (date or not record)):
        raise InputError(
            "needs proposals from one place", where="screen", advice="give --proposals FILE, or --record RECORD"
        )
    found = load_plan(plan)
    terms, rows = _asked(found, call, proposals, record, together)
    if not rows:
        raise InputError("holds no proposal to be screened", where=record, advice="take letters in first")
    place = call_host(
        found, terms, host=host or None, site=site or None, start=start or None, years=years, height_m=height_m
    )
    link: dict[str, Any] = {"downlink_bit_s": downlink_bit_s, "contact_share": contact_share}
    screened = (
        (screen_together(place, terms, rows, **link),)
        if together
        else screen_proposals(place, terms, rows, **link)
    )
    if date:
        _keep(record, call, screened, date, waive, key)
    value = {"call": call, "host": place.name, "site": place.site.id, "proposals": [s.to_dict() for s in screened]}
    titles = [f"{len(rows)} payloads"] if together else [row.title for row in rows]
    text = [
        [one.proposal, title, _WORDS[one.fits], one.sentence] for one, title in zip(screened, titles, strict=True)
    ]
    fit = sum(one.fits is True for one in screened)
    emit(
        value,
        as_json,
        lambda: (
            f"{fit} of {len(screened)} fit {place.name} at {place.site.id}\n"
            + table(["proposal", "title", "fits", "decides"], text)
        ),
    )


def _asked(
    plan: Any, call: str, path: Path | None, record: str, together: bool
) -> tuple[CallTerms, list[Proposal]]:
    """Terms and proposals, from a file or a record."""
    from moonpost.cli.call import read
    from moonpost.partners.callterms import call_terms
    from moonpost.partners.proposals import read_letters

    if path is not None:
        return call_terms(plan, call), [row.proposal for row in read_letters(path, "2000")]
    _, state = read(record, call)
    return state.terms, [
        row for row in state.proposals if (row.id in state.chosen if together else row.id not in state.withdrawn)
    ]


def _keep(
    record: str,
    call: str,
    screened: tuple[ScreenedProposal, ...],
    date: str,
    waive: list[str],
    key: Path | None,
) -> None:
    from moonpost.cli.call import write

    waivers = dict(text.split("=", 1) for text in waive if "=" in text)
    if len(waivers) != len(waive) or not set(waivers) <= {one.proposal for one in screened}:
        raise InputError("names no proposal", where="--waive", advice="write PROPOSAL=REASON")
    write(record, [one.to_step(call, date, waivers.get(one.proposal, "")) for one in screened], key)


def replay(
    plan: str = typer.Argument("ilrs", help="A bundled plan or the path of a TOML file."),
    call: str = typer.Argument("ce8-call", help="Identifier of the call in the plan's table calls."),
    proposals: Path = typer.Option(None, help="TOML with proposals, reviewers, merits; the synthetic ones."),
    conflict: list[str] = typer.Option([], help="A further conflict of interest that holds: country, rival."),
    site: str = typer.Option("", help="Site of the host; that of the proposals' file if not given."),
    years: float = typer.Option(1.0, help="Period of the screening [years]."),
    record: Path = typer.Option(None, help="Keep every step in this new file of JSON lines."),
    plot: Path = typer.Option(None, help="Picture of scores and masses: .png, .svg, .pdf."),
    as_json: bool = JSON,
) -> None:
    """Replay a call from its dates and limits: 41 synthetic letters for Chang'e 8 unless others are given.

    Example: moonpost call replay ilrs ce8-call --record ce8.jsonl
    """
    from moonpost.partners.records import write_steps
    from moonpost.partners.reviews import ALWAYS
    from moonpost.plan import load_plan
    from moonpost.study.callreplay import read_submissions, replay_call

    check_plot(plot)
    if record is not None and record.exists():
        raise InputError("is there already", where=str(record), advice="name a new file")
    found = replay_call(
        load_plan(plan),
        call,
        read_submissions(proposals) if proposals else None,
        conflicts=tuple(dict.fromkeys((*ALWAYS, *conflict))),
        site=site or None,
        years=years,
    )
    if record is not None:
        write_steps(record, "call", found.actions)
    if plot is not None:
        draw(found.state, plot)
    emit(found.to_dict(), as_json, lambda: _text(found))


def check_plot(path: Path | None) -> None:
    """Refuse a picture of another kind before anything is computed."""
    if path is not None and path.suffix.lower() not in _PLOTS:
        raise InputError(f"ending {path.suffix!r}", where=str(path), advice=f"name it {', '.join(_PLOTS)}")


def draw(state: CallState, path: Path) -> None:
    """Draw the proposals of a call."""
    from moonpost.report.figures.calls import call_figure
    from moonpost.report.figures.style import save_figure

    save_figure(call_figure(state, _WIDTH_IN), path)


def _text(found: CallReplay) -> str:
    value = found.to_dict()
    synthetic = sum(row["synthetic"] for row in value["proposals"])
    facts = [[name.replace("_", " "), found.published[name], number] for name, number in found.obtained.items()]
    rows = [
        [row["proposal"], row["title"], row["mass_kg"], row["rank"], row["standing"], row["decides"]]
        for row in sorted(value["proposals"], key=lambda row: (row["rank"] or 999, row["proposal"]))
        if row["rank"] or not row["fits"]
    ]
    best = found.selection
    proof = "proved" if best.proved else f"gap {best.gap:.2g}"
    lines = [
        f"{found.terms.id}: {synthetic} of {len(value['proposals'])} proposals are synthetic",
        table(["", "published", "replayed"], facts),
        table(["proposal", "title", "mass (kg)", "rank", "standing", "screening"], rows),
        f"best set: {best.score:.1f} points, {best.mass_kg:g} kg ({proof}); by rank: {len(best.by_rank)} with "
        f"{best.by_rank_score:.1f} points, {best.by_rank_mass_kg:g} kg",
        *(f"{row.id} left out: {row.why}" for row in best.left),
        f"together on the host: {_WORDS[found.together.fits]}; {found.together.sentence}",
        *value["findings"],
        *(f"refused: {what}: {why}" for what, why in found.refused),
    ]
    return "\n".join(lines)
