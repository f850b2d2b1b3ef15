"""Approvals: who is asked, who has said yes, who has not."""

from hypothesis import given
from hypothesis import strategies as st

from moonpost.partners import approval_status, approvals, missing_approvals
from moonpost.plan import load_plan
from moonpost.plan.partners import Owned, Partner

CITED = {"source": "made for this test", "confidence": "C"}


def row(owner, approvers, given_by):
    recorded = [{"party": party, "date": date, "source": "minutes"} for party, date in given_by]
    return Owned(id="thing", name="Thing", owner=owner, approvers=approvers, approvals=recorded, **CITED)


def test_the_owner_is_asked_too():
    status = approval_status(row("cn", ("cn", "ru"), [("ru", "2024-01-01")]))
    assert status.needed == ("cn", "ru")
    assert status.given == ("ru",)
    assert status.missing == ("cn",)
    assert not status.complete


def test_names_and_those_who_were_not_asked():
    partners = [Partner(id="cn", name="China", kind="state", role="founder", **CITED)]
    status = approval_status(row("cn", (), [("eg", "2024")]), partners)
    assert status.missing_names == ("China",)
    assert status.unasked == ("eg",)


def test_an_approval_counts_from_its_date():
    thing = row("cn", (), [("cn", "2024-06")])
    assert approval_status(thing, at="2024-06-29").missing == ("cn",)
    assert approval_status(thing, at="2024-06-30").complete


def test_what_is_settled_is_not_asked_for():
    open_one = approval_status(row("cn", (), []), table="missions")
    settled = approval_status(row("cn", (), []), table="missions", settled=True)
    assert missing_approvals([open_one, settled]) == {"cn": ("missions[thing]",)}
    assert missing_approvals([settled]) == {}


def test_every_row_of_the_bundled_plan():
    plan = load_plan("ilrs")
    rows = approvals(plan)
    assert [status.id for status in rows] == [item.id for item in (*plan.missions, *plan.elements)]
    flown = {mission.id for mission in plan.missions if mission.status in ("flown", "lost", "cancelled")}
    assert all(status.settled == (status.id in flown) for status in rows if status.table == "missions")
    owed = missing_approvals(rows)
    counts = [len(places) for places in owed.values()]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == sum(len(status.missing) for status in rows if not status.settled)


parties = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)


@given(st.sampled_from("abcdef"), parties, parties)
def test_needed_is_given_and_missing(owner, approvers, yes):
    status = approval_status(row(owner, tuple(approvers), [(party, "2024") for party in yes]))
    assert set(status.given) | set(status.missing) == set(status.needed) == {owner, *approvers}
    assert not set(status.given) & set(status.missing)
    assert set(status.unasked) == set(yes) - set(status.needed)
