"""Rows of a comparison that rest on where the station is: darkness, energy and contact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from moonpost.study.alternativemodel import TradeRow, TradeValue
from moonpost.study.alternativeside import Side, baseline, compared, light, where
from moonpost.study.alternativesky import MASKS_DEG, RELAY_MASKS_DEG
from moonpost.study.results import StorageRow

__all__ = ["place_rows"]

_MASKS = f"all masks at {MASKS_DEG[1]:g} and at {MASKS_DEG[0]:g} deg"


def place_rows(sides: Sequence[Side]) -> tuple[TradeRow, ...]:
    """Darkness, light, storage, load carried, sight of the Earth, contact and data.

    Parameters
    ----------
    sides : sequence of Side
        The plans.

    Returns
    -------
    tuple of TradeRow
    """
    return (*_darkness(sides), *_energy(sides), *_contact(sides))


def _value(
    side: Side, value: float | None, span: tuple[float, float] | None, text: str, scale: float = 1.0
) -> TradeValue:
    """A quantity of the sky with the range over terrain or nodes."""
    best = None if value is None else scale * value
    low, high = (None, None) if span is None else (scale * span[0], scale * span[1])
    if best is not None and low is not None and high is not None:
        low, high = min(low, best), max(high, best)
    covers = "" if span is None else side.sky.covers
    return TradeValue(value=best, low=low, high=high, text=text, range_of=covers, rests_on=where(side))


def _darkness(sides: Sequence[Side]) -> tuple[TradeRow, ...]:
    dark, bright = [], []
    for side in sides:
        orbit = side.study.record.site.orbit
        if orbit is not None:
            text = f"from {str(orbit.longest_dark_start_utc)[:10]}, no part of the Sun in view"
            dark.append(_value(side, orbit.longest_dark_h, side.sky.longest_dark_h, text))
        else:
            row = baseline(side)
            text = f"at {row.mast_m:g} m, from {str(row.longest_dark_start_utc)[:10]}"
            dark.append(_value(side, 24.0 * row.longest_dark_d, side.sky.longest_dark_h, text))
        bright.append(_value(side, light(side), side.sky.average_light, "mean part of the Sun's disc", 100.0))
    return (
        compared("longest-darkness", "darkness", "Longest darkness", "h", "less", dark),
        compared("average-light", "darkness", "Average light", "%", "more", bright),
    )


def _energy(sides: Sequence[Side]) -> tuple[TradeRow, ...]:
    need, load = [], []
    for side in sides:
        planned: StorageRow = side.study.record.design.storage[0]
        installed = f"{planned.installed_wh / 1e3:,.0f} kWh installed"
        text = installed if planned.sustainable else f"{installed}; the sources do not carry the load"
        required = planned.required_wh if planned.sustainable else None
        need.append(_value(side, required, side.sky.storage_wh, text, 1e-3))
        design = side.study.record.design
        span = side.carried_range_w
        load.append(
            TradeValue(
                value=None if side.carried_w is None else side.carried_w / 1e3,
                low=None if span is None else span[0] / 1e3,
                high=None if span is None else span[1] / 1e3,
                text=f"mean, margins included; {design.load_mean_w / 1e3:.1f} kW asked",
                range_of="single assumptions at their low and high values"
                + (f", worst: {side.carried_worst}" if side.carried_worst else ""),
                rests_on=f"sources, stores and design rules of plan {side.study.plan.id}; {where(side)}",
            )
        )
    return (
        compared("storage", "energy", "Storage that the worst deficit asks for", "kWh", "less", need),
        compared("load-carried", "energy", "Load that sources and stores carry", "kW", "more", load),
    )


def _contact(sides: Sequence[Side]) -> tuple[TradeRow, ...]:
    seen, gap, hours, down = [], [], [], []
    for side in sides:
        orbit = side.study.record.site.orbit
        if orbit is not None:
            share, gap_h, text = orbit.earth_visible, orbit.longest_earth_outage_h, "any part of it"
        else:
            row = baseline(side)
            share, gap_h, text = row.earth_visible, 24.0 * row.longest_earth_outage_d, f"at {row.mast_m:g} m"
        seen.append(_value(side, share, side.sky.earth_share, text, 100.0))
        gap.append(_value(side, gap_h, side.sky.earth_gap_h, "without a relay"))
        hours.append(_antennas(side))
        down.append(_downlink(side))
    return (
        compared("earth-in-view", "contact", "Earth in view", "% of time", "more", seen),
        compared("earth-gap", "contact", "Longest time without the Earth", "h", "less", gap),
        compared("antenna-contact", "contact", "Contact with the antennas of all plans", "h/d", "more", hours),
        compared("downlink", "contact", "Data that the direct link could bring down", "Gbit/d", "more", down),
        *_over_relays(sides, hours, down),
    )


def _over_relays(
    sides: Sequence[Side], hours: Sequence[TradeValue], down: Sequence[TradeValue]
) -> tuple[TradeRow, ...]:
    """Contact and data over one relay where a plan has one, direct where it has none; nothing if none has."""
    if not any(side.relayed for side in sides):
        return ()
    contact, data = [], []
    for side, direct_h, direct_bit in zip(sides, hours, down, strict=True):
        if not side.relayed:
            contact.append(direct_h.model_copy(update={"text": f"direct; {direct_h.text}"}))
            data.append(direct_bit.model_copy(update={"text": f"direct; {direct_bit.text}"}))
            continue
        low, high = side.relayed
        days = float((low.through.span[1] - low.through.span[0]) / np.timedelta64(1, "D"))
        rests = f"links and relay of plan {side.study.plan.id}, flown in the field of the Moon; a node that lasts"
        span = f"the relay counted from {RELAY_MASKS_DEG[1]:g} and from {RELAY_MASKS_DEG[0]:g} deg over terrain"
        gap = f"one relay; longest gap {low.through.longest_gap_s / 3600.0:.1f} h in {days:.0f} days"
        contact.append(
            TradeValue(
                value=24.0 * low.through.share,
                low=24.0 * high.through.share,
                high=24.0 * low.through.share,
                text=gap,
                range_of=span,
                rests_on=rests,
            )
        )
        data.append(
            TradeValue(
                value=low.possible_bit / 1e9 / days,
                low=high.possible_bit / 1e9 / days,
                high=low.possible_bit / 1e9 / days,
                text="one relay, a bent pipe",
                range_of=span,
                rests_on=rests,
            )
        )
    return (
        compared("relayed-contact", "contact", "Contact over one relay, or direct", "h/d", "more", contact),
        compared("relayed-downlink", "contact", "Data over one relay, or direct", "Gbit/d", "more", data),
    )


def _antennas(side: Side) -> TradeValue:
    """Contact with the antennas of all plans, at their masks and at others."""
    if not side.contacts:
        return TradeValue(value=None, text="no antenna in any plan", rests_on="ground_stations of the plans")
    own, low, high = side.contacts
    days = float((own.span[1] - own.span[0]) / np.timedelta64(1, "D"))
    return TradeValue(
        value=24.0 * own.share,
        low=24.0 * low.share,
        high=24.0 * high.share,
        text=f"longest gap {own.longest_gap_s / 3600.0:.0f} h in {days:.0f} days",
        range_of=_MASKS,
        rests_on=f"{where(side)}; masks of the antennas, estimates (C)",
    )


def _downlink(side: Side) -> TradeValue:
    """What the best link from the station straight to an antenna brings down."""
    plan = side.study.plan
    mine = {row.id for row in plan.station_elements()}
    antennas = {row.id for row in plan.ground_stations}
    links = [row for row in plan.links if row.sender in mine and row.receiver in antennas]
    if not links or not side.contacts:
        return TradeValue(value=None, text="no link from the station to an antenna", rests_on="links of the plan")
    best = max(links, key=lambda row: row.rate_bit_s)
    own, low, high = (best.rate_bit_s * seen.share * 86400.0 / 1e9 for seen in side.contacts)
    return TradeValue(
        value=own,
        low=low,
        high=high,
        text=f"{best.rate_bit_s / 1e6:g} Mbit/s, {best.name}; relays not counted",
        range_of=_MASKS,
        rests_on=f"links[{best.id}] of plan {plan.id} (confidence {best.confidence}) in antenna contact",
    )
