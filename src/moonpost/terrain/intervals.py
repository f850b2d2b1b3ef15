"""Light and darkness of a place over a period: intervals by events, and their statistics."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.apparent import Apparent
from moonpost.sky.times import TimeLike, as_utc, iso
from moonpost.terrain.light import body_samples
from moonpost.terrain.profile import HorizonProfile

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["LightStatistics", "Spell", "darkness_intervals", "light_statistics", "spells"]

SAMPLE_S = 3600.0
FINE_S = 60.0
DAY_S = 86_400.0
DANJON = 1.01


@dataclass(frozen=True)
class Spell:
    """A time during which a state lasts.

    Parameters
    ----------
    start, stop : numpy.datetime64
        UTC, to a second.
    open_start, open_stop : bool
        Whether it began before, or goes on after, the period that was looked at; its true length then is longer.

    Examples
    --------
    >>> Spell(np.datetime64("2030-01-01"), np.datetime64("2030-01-03"), False, True).duration_d
    2.0
    """

    start: np.datetime64
    stop: np.datetime64
    open_start: bool
    open_stop: bool

    @property
    def duration_d(self) -> float:
        """Length [d]."""
        return float((self.stop - self.start) / np.timedelta64(1, "ms")) / 1000.0 / DAY_S

    @property
    def open(self) -> bool:
        """Whether the period cuts it at either end."""
        return self.open_start or self.open_stop

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
            Start and stop as ISO text, length, and the two flags.
        """
        return {
            "start": iso(self.start),
            "stop": iso(self.stop),
            "duration_d": self.duration_d,
            "open_start": self.open_start,
            "open_stop": self.open_stop,
        }


@dataclass(frozen=True)
class LightStatistics:
    """Light, darkness and sight of the Earth over a period.

    Parameters
    ----------
    start, stop : numpy.datetime64
        The period, UTC.
    average_illumination : float
        Time mean of the share of the Sun's disc above the horizon, 0 to 1.
    percent_lit : float
        Share of the time with any part of the Sun's disc (or more than `dark_fraction`) in sight, 0 to 1.
    longest_dark_d : float
        Length of the longest darkness [d]; 0 if there is none.
    longest_light_d : float
        Length of the longest light [d].
    earth_visible : float
        Share of the time with any part of the Earth's disc above the horizon, 0 to 1.
    average_earth_disc : float
        Time mean of the share of the Earth's disc above the horizon, 0 to 1.
    longest_earth_outage_d : float
        Length of the longest time without any part of the Earth [d].
    longest_dark_without_earth_d : float
        Length of the longest time that is both dark and without the Earth [d].
    longest_dark, longest_light, longest_earth_outage, longest_dark_without_earth : Spell or None
        When they are, and whether the period cuts them.
    dark_fraction : float
        Share of the disc up to which it counts as dark.
    grade : str
        Grade of the horizon.

    Notes
    -----
    `percent_lit` and `average_illumination` differ: a Sun that always stands half behind the horizon is lit all
    the time with an average of 0.5. Both are fractions of 1, whatever the name says.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> level = HorizonProfile.flat(Site(0.0, 0.0))
    >>> year = light_statistics(level, Almanac.default(), "2030-01-01", "2031-01-01")
    >>> round(year.average_illumination, 2), round(year.longest_dark_d, 1)
    (0.49, 14.7)
    """

    start: np.datetime64
    stop: np.datetime64
    average_illumination: float
    percent_lit: float
    longest_dark_d: float
    longest_light_d: float
    earth_visible: float
    average_earth_disc: float
    longest_earth_outage_d: float
    longest_dark_without_earth_d: float
    longest_dark: Spell | None
    longest_light: Spell | None
    longest_earth_outage: Spell | None
    longest_dark_without_earth: Spell | None
    dark_fraction: float
    grade: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
            All fields; times as ISO text, spells as dictionaries or None.
        """
        plain: dict[str, Any] = {}
        for name in asdict(self):
            value = getattr(self, name)
            if isinstance(value, Spell):
                value = value.to_dict()
            elif isinstance(value, np.datetime64):
                value = iso(value)
            plain[name] = value
        return plain


def light_statistics(
    profile: HorizonProfile,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    *,
    dark_fraction: float = 0.0,
    limb_darkening: bool = False,
    eclipses: bool = False,
    earth_radius_scale: float = DANJON,
) -> LightStatistics:
    """Light, darkness and sight of the Earth behind a horizon over a period.

    Parameters
    ----------
    profile : HorizonProfile
        Horizon of the place.
    almanac : Almanac
        Where the Sun and the Earth are.
    start, stop : time
        The period, UTC.
    dark_fraction : float, default 0.0
        Share of the Sun's disc up to which it counts as dark; at 0, dark is when no part of it is seen.
    limb_darkening : bool, default False
        Whether shares of the Sun's disc are weighted by limb darkening, see `illumination`.
    eclipses : bool, default False
        Whether the Earth's shadow counts as darkness.
    earth_radius_scale : float, default 1.01
        Enlargement of the Earth in eclipses for its atmosphere (Danjon).

    Returns
    -------
    LightStatistics
        The figures, and when the longest spells are.

    Raises
    ------
    InputError
        If the period is empty or an argument is out of range.
    DateError
        If the period is outside the kernels.

    Notes
    -----
    Sun and Earth are computed every hour and interpolated in between by cubics of their direction (error below
    0.0001 deg). Hours in which the disc is clearly above or below all of the horizon that it passes are settled
    at once; the others are followed each minute, crossings are refined to half a second, and where the disc all
    but appears (or vanishes) between two minutes the extreme is searched, so that short glimpses count. In an
    eclipse the share of the disc is the product of that above the horizon and that outside the Earth.

    References
    ----------
    Gläser, P. et al. (2014), Illumination conditions at the lunar south pole using high resolution Digital Terrain
    Models from LOLA, Icarus 243, 78-90, DOI 10.1016/j.icarus.2014.08.013.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> level = HorizonProfile.flat(Site(-89.5, 0.0))
    >>> summer = light_statistics(level, Almanac.default(), "2030-07-01", "2030-07-08")
    >>> summer.longest_dark_d, summer.percent_lit, summer.longest_light.open
    (0.0, 1.0, True)
    """
    period = _Period.make(start, stop)
    sun, earth = almanac.sun(profile.site, period.samples), almanac.earth(profile.site, period.samples)
    threshold = _threshold(dark_fraction)
    cover = _enlarged(earth, earth_radius_scale) if eclipses else None
    lit, average = _follow(profile, period, sun, "sun", threshold, limb_darkening, cover)
    seen, earth_average = _follow(profile, period, earth, "earth", 0.0, False, None)
    dark, light = _complement(lit, period.length_s), lit
    outage = _complement(seen, period.length_s)
    both = _common(dark, outage)
    found = {
        name: period.longest(spans)
        for name, spans in (("dark", dark), ("light", light), ("outage", outage), ("both", both))
    }
    return LightStatistics(
        start=period.start,
        stop=period.stop,
        average_illumination=average,
        percent_lit=_total(light) / period.length_s,
        longest_dark_d=_days(found["dark"]),
        longest_light_d=_days(found["light"]),
        earth_visible=_total(seen) / period.length_s,
        average_earth_disc=earth_average,
        longest_earth_outage_d=_days(found["outage"]),
        longest_dark_without_earth_d=_days(found["both"]),
        longest_dark=found["dark"],
        longest_light=found["light"],
        longest_earth_outage=found["outage"],
        longest_dark_without_earth=found["both"],
        dark_fraction=threshold,
        grade=profile.grade,
    )


def darkness_intervals(
    profile: HorizonProfile,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    *,
    dark_fraction: float = 0.0,
    eclipses: bool = False,
    earth_radius_scale: float = DANJON,
) -> tuple[Spell, ...]:
    """All times of darkness behind a horizon in a period.

    Parameters
    ----------
    profile : HorizonProfile
        Horizon of the place.
    almanac : Almanac
        Where the Sun is.
    start, stop : time
        The period, UTC.
    dark_fraction : float, default 0.0
        Share of the Sun's disc up to which it counts as dark; at 0, dark is when no part of it is seen.
    eclipses : bool, default False
        Whether the Earth's shadow counts as darkness.
    earth_radius_scale : float, default 1.01
        Enlargement of the Earth in eclipses for its atmosphere (Danjon).

    Returns
    -------
    tuple of Spell
        In order of time; the first and the last may be cut by the period and say so.

    Raises
    ------
    InputError
        If the period is empty or an argument is out of range.
    DateError
        If the period is outside the kernels.

    Notes
    -----
    Found as in `light_statistics`.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> level = HorizonProfile.flat(Site(0.0, 0.0))
    >>> nights = darkness_intervals(level, Almanac.default(), "2030-01-01", "2030-04-01")
    >>> [round(night.duration_d, 1) for night in nights]
    [10.8, 14.7, 14.7, 5.2]
    """
    period = _Period.make(start, stop)
    cover = _enlarged(almanac.earth(profile.site, period.samples), earth_radius_scale) if eclipses else None
    sun = almanac.sun(profile.site, period.samples)
    lit, _ = _follow(profile, period, sun, "sun", _threshold(dark_fraction), False, cover)
    return tuple(period.spell(*span) for span in _complement(lit, period.length_s))


def spells(profile: HorizonProfile, body: Apparent, *, dark_fraction: float = 0.0) -> tuple[Spell, ...]:
    """All times in which a body stands above a horizon, from equally spaced samples of its place.

    Parameters
    ----------
    profile : HorizonProfile
        Horizon of the place.
    body : Apparent
        At least 4 samples, equally spaced by an hour or less.
    dark_fraction : float, default 0.0
        Share of its disc up to which it counts as hidden.

    Returns
    -------
    tuple of Spell
        In order of time.

    Raises
    ------
    InputError
        If samples are NaN, not equally spaced, too few or too far apart.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site, times
    >>> site = Site(0.0, 0.0)
    >>> sun = Almanac.default().sun(site, times("2030-01-01", "2030-01-31", 3600.0))
    >>> [round(spell.duration_d, 1) for spell in spells(HorizonProfile.flat(site), sun)]
    [14.9]
    """
    time = as_utc(body.time)
    gaps = np.diff(time) / np.timedelta64(1, "ms")
    if time.size < 4 or np.any(gaps <= 0) or gaps.max() - gaps.min() > 2.0 or gaps.max() > SAMPLE_S * 1000.0:
        raise InputError(
            "samples must be equally spaced by an hour or less, at least 4",
            where="body.time",
            advice="make them with moonpost.sky.times(start, stop, step_s=3600)",
        )
    period = _Period(time[0], time[-1], time)
    spans, _ = _follow(profile, period, body, "body", _threshold(dark_fraction), False, None)
    return tuple(period.spell(*span) for span in spans)


Span = tuple[float, float]


@dataclass(frozen=True, eq=False)
class _Period:
    """A period and the equally spaced samples in it."""

    start: np.datetime64
    stop: np.datetime64
    samples: NDArray[np.datetime64]

    @classmethod
    def make(cls, start: TimeLike, stop: TimeLike) -> _Period:
        first, last = (as_utc(value).ravel() for value in (start, stop))
        if first.size != 1 or last.size != 1 or not last[0] > first[0]:
            raise InputError(
                "the period is empty", where="start, stop", advice="give one start and one later stop, in UTC"
            )
        length = int((last[0] - first[0]) / np.timedelta64(1, "ms"))
        count = max(4, math.ceil(length / 1000.0 / SAMPLE_S) + 1)
        offset = np.rint(np.linspace(0.0, length, count)).astype(np.int64)
        return cls(first[0], last[0], first[0] + offset.astype("timedelta64[ms]"))

    @property
    def length_s(self) -> float:
        """Length of the period [s]."""
        return float((self.stop - self.start) / np.timedelta64(1, "ms")) / 1000.0

    def moment(self, second: float) -> np.datetime64:
        """UTC of a time after the start, exact at both ends."""
        if second >= self.length_s:
            return self.stop
        return self.start + np.timedelta64(round(second * 1000.0), "ms")

    def spell(self, begin: float, end: float) -> Spell:
        """Make a spell of two times after the start."""
        return Spell(self.moment(begin), self.moment(end), begin <= 0.0, end >= self.length_s)

    def longest(self, spans: Sequence[Span]) -> Spell | None:
        """Find the longest of some spans."""
        return self.spell(*max(spans, key=lambda span: span[1] - span[0])) if spans else None


def _follow(
    profile: HorizonProfile,
    period: _Period,
    body: Apparent,
    where: str,
    threshold: float,
    limb: bool,
    cover: NDArray[np.float64] | None,
) -> tuple[list[Span], float]:
    """Spans in which a body is seen [s after the start], and the mean share of its disc."""
    from moonpost.terrain.lightkernels import follow

    samples = body_samples(body, where)
    step = period.length_s / (len(samples) - 1)
    fine = max(1, math.ceil(step / FINE_S))
    other = np.empty((0, 4)) if cover is None else cover
    seen, events, mean = follow(profile.elevation_deg, samples, other, step, fine, threshold, limb)
    marks = [0.0, *(float(event) for event in events), period.length_s]
    pairs = list(itertools.pairwise(marks))[0 if seen else 1 :: 2]
    return [(a, b) for a, b in pairs if b > a], min(max(float(mean), 0.0), 1.0)


def _threshold(dark_fraction: float) -> float:
    if not (math.isfinite(dark_fraction) and 0.0 <= dark_fraction < 1.0):
        raise InputError(f"{dark_fraction!r}", where="dark_fraction", advice="give a share from 0 to below 1")
    return float(dark_fraction)


def _enlarged(earth: Apparent, scale: float) -> NDArray[np.float64]:
    if not (math.isfinite(scale) and 0.5 <= scale <= 2.0):
        raise InputError(f"{scale!r}", where="earth_radius_scale", advice="give a factor near 1, such as 1.01")
    samples = body_samples(earth, "earth")
    samples[:, 3] *= scale
    return samples


def _complement(spans: Sequence[Span], length: float) -> list[Span]:
    edges = [0.0, *(edge for span in spans for edge in span), length]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def _common(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    out, i, j = [], 0, 0
    while i < len(first) and j < len(second):
        a, b = max(first[i][0], second[j][0]), min(first[i][1], second[j][1])
        if b > a:
            out.append((a, b))
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return out


def _total(spans: Sequence[Span]) -> float:
    return sum(b - a for a, b in spans)


def _days(spell: Spell | None) -> float:
    return 0.0 if spell is None else spell.duration_d
