"""Which assumptions matter: one number of the plan changed at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy.typing as npt

from moonpost.design.sizing import StorageSizing, size_storage
from moonpost.plan.model import Assumption, Plan
from moonpost.plan.paths import number_at, with_number
from moonpost.plan.places import SurfaceStation
from moonpost.power.loads import power_groups
from moonpost.power.series import SunView
from moonpost.power.sources import ReactorLife

__all__ = ["Effect", "one_at_a_time", "storage_sensitivity"]


@dataclass(frozen=True)
class Effect:
    """What one assumption does to a result.

    Parameters
    ----------
    assumption, text, confidence, parameter : str
        The assumption and the number of the plan it is about.
    value, low, high : float or None
        That number in the plan, and its low and high values; None where the assumption gives none.
    base_result, low_result, high_result : float or None
        The result with each.
    effect : float
        Largest distance of the results from the base, not negative.

    Examples
    --------
    >>> Effect("a", "Dust.", "C", "design.dust_loss", 0.05, 0.0, None, 10.0, 12.0, None, 2.0).effect
    2.0
    """

    assumption: str
    text: str
    confidence: str
    parameter: str
    value: float
    low: float | None
    high: float | None
    base_result: float
    low_result: float | None
    high_result: float | None
    effect: float


def one_at_a_time(
    plan: Plan, assumptions: Iterable[Assumption], evaluate: Callable[[Plan], float]
) -> tuple[Effect, ...]:
    """Change one number of the plan at a time to its low and high value, and rank by what that does.

    Parameters
    ----------
    plan : Plan
        The plan; it is not changed.
    assumptions : iterable of Assumption
        Those without a parameter, or without a low and a high value, are left out: nothing can be varied.
    evaluate : callable
        Takes a plan and gives the result as one number.

    Returns
    -------
    tuple of Effect
        The largest effect first; equal effects in the order of the plan.

    Raises
    ------
    UnknownNameError, InputError
        If a parameter is not a number of the plan, or the plan does not allow a value.

    Notes
    -----
    Effects of numbers changed together are not seen.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> margin = Assumption(id="m", text="The margin.", parameter="design.system_margin", low=0.1, high=0.4,
    ...     source="example", confidence="C")
    >>> plan = load_plan("ilrs")
    >>> effect, = one_at_a_time(plan, [margin], lambda changed: 100 * changed.design.system_margin)
    >>> effect.low_result, effect.high_result
    (10.0, 40.0)
    """
    rows = [a for a in assumptions if a.parameter is not None and (a.low is not None or a.high is not None)]
    if not rows:
        return ()
    base = evaluate(plan)
    effects = [_effect(plan, assumption, base, evaluate) for assumption in rows]
    return tuple(sorted(effects, key=lambda effect: -effect.effect))


def _effect(plan: Plan, assumption: Assumption, base: float, evaluate: Callable[[Plan], float]) -> Effect:
    path = assumption.parameter or ""
    results = [
        None if value is None else evaluate(with_number(plan, path, value))
        for value in (assumption.low, assumption.high)
    ]
    return Effect(
        assumption=assumption.id,
        text=assumption.text,
        confidence=assumption.confidence,
        parameter=path,
        value=number_at(plan, path),
        low=assumption.low,
        high=assumption.high,
        base_result=base,
        low_result=results[0],
        high_result=results[1],
        effect=max(abs(result - base) for result in results if result is not None),
    )


def storage_sensitivity(
    plan: Plan,
    sun: SunView,
    light_at: Callable[[float], npt.ArrayLike],
    *,
    assumptions: Iterable[Assumption] | None = None,
    reactors: ReactorLife = "design-life",
) -> tuple[Effect, ...]:
    """What each assumption does to the station's storage margin.

    Parameters
    ----------
    plan : Plan
        The plan.
    sun : SunView
        The Sun from the site at even steps, (n,).
    light_at : callable
        Takes a height above ground [m] and gives the fraction of the solar disc in view, (n,). Called once
        for each height.
    assumptions : iterable of Assumption, optional
        Those of the plan if absent.
    reactors : {"design-life", "replaced", "none"}
        As in `size_storage`.

    Returns
    -------
    tuple of Effect
        Results are the storage margin, rated energy installed less needed [Wh].

    Raises
    ------
    UnknownNameError, InputError
        As in `one_at_a_time` and `size_storage`.

    Notes
    -----
    Where a value makes the sources too weak for the load, the need grows with the period, and the effect is
    large: that is meant.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(48) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(48), elevation_deg=np.ones(48),
    ...     distance_m=np.full(48, 1.5e11))
    >>> margin = Assumption(id="m", text="The margin.", parameter="design.system_margin", low=0.0, high=0.5,
    ...     source="example", confidence="C")
    >>> effect, = storage_sensitivity(load_plan("ilrs"), sun, lambda mast_m: np.arange(48) % 2.0,
    ...     assumptions=[margin])
    >>> effect.low_result >= effect.base_result >= effect.high_result
    True
    """
    known: dict[float, npt.ArrayLike] = {}

    def margin_wh(changed: Plan) -> float:
        for mast_m in _masts_m(changed):
            if mast_m not in known:
                known[mast_m] = light_at(mast_m)
        light = {mast_m: known[mast_m] for mast_m in _masts_m(changed)}
        sizing: StorageSizing = size_storage(changed, sun, light, reactors=reactors)
        return sizing.margin_wh

    return one_at_a_time(plan, plan.assumptions if assumptions is None else assumptions, margin_wh)


def _masts_m(plan: Plan) -> tuple[float, ...]:
    """Heights of the station's arrays; of its site's lowest mast if it has none."""
    masts_m = next((group.masts_m for group in power_groups(plan) if group.name == "station"), ())
    if masts_m:
        return masts_m
    return (min(plan.station.masts_m),) if isinstance(plan.station, SurfaceStation) else (0.0,)
