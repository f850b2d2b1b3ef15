"""What surrounds machines besides light: contact with the Earth and the temperature of the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.plan import Plan
from moonpost.study.context import Context

if TYPE_CHECKING:
    from moonpost.sky import Apparent
    from moonpost.terrain import HorizonProfile

__all__ = ["asks_for_contact", "earth_spells", "ground_k"]

Floats = npt.NDArray[np.float64]

_SEEN = 0.5
_SHADOW_W_M2 = 0.5
"""Scattered light and infrared of terrain where the Sun is not seen in a whole period: assumed, holds 55 K."""


def asks_for_contact(plan: Plan) -> bool:
    """Whether any machine of the plan does something only in contact: sends what it recorded, or wakes."""
    return any(e.recorder is not None or (e.dormancy is not None and e.dormancy.command) for e in plan.elements)


def earth_spells(context: Context, profile: HorizonProfile, t: npt.NDArray[np.datetime64]) -> Any:
    """Spells with half of the Earth in view, (m, 2), to one step; None if no machine asks or it never is."""
    from moonpost.terrain import earth_visibility

    if not asks_for_contact(context.plan):
        return None
    seen = np.asarray(earth_visibility(profile, context.almanac.earth(profile.site, t))) > _SEEN
    if not seen.any():
        return None
    turns = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]])))
    return np.append(t, t[-1] + (t[1] - t[0]))[turns].reshape(-1, 2)


def ground_k(plan: Plan, sun: Apparent, light: Floats) -> Floats | None:
    """Temperature of level ground where a machine of the plan asks for it [K]; that of shadow without any Sun."""
    cells = any(getattr(source, "cells", None) for element in plan.elements for source in element.generators)
    boxes = any(element.thermal is not None and element.thermal.ground_w_k > 0 for element in plan.elements)
    if not (cells or boxes):
        return None
    from moonpost.thermal import site_temperature

    level = np.asarray(light) * np.maximum(np.sin(np.radians(sun.elevation_deg)), 0.0)
    found = site_temperature(sun, light, background_w_m2=0.0 if level.any() else _SHADOW_W_M2)
    return np.asarray(found.surface_k, dtype=np.float64)
