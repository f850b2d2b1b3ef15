"""Ground that lights and warms itself: scattered sunlight and infrared between the cells of a patch of terrain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.thermal.columns import Grid
from moonpost.thermal.maps import GroundMap, regolith_map
from moonpost.thermal.materials import HAYNE_2017, RegolithProperties
from moonpost.thermal.regolith import SOLAR_CONSTANT_W_M2
from moonpost.thermal.sunpath import SunPath
from moonpost.thermal.views import TerrainPatch

__all__ = ["PatchGround", "hemispherical_albedo", "patch_balance_k", "patch_ground"]

Floats = npt.NDArray[np.float64]

_SIGMA = 5.670374419e-8
_BOUNCES = 30
_NOTHING_W_M2 = 1e-6


@dataclass(frozen=True, eq=False)
class PatchGround:
    """Temperatures of a patch of terrain, and what its cells get from each other.

    Parameters
    ----------
    ground : GroundMap
        Temperatures of the joined cells; NaN in cells that neither light nor infrared of terrain reaches.
    sunlight_w_m2 : ndarray, shape (rows, cols)
        Mean direct sunlight absorbed [W/m2]; 0 in permanent shadow.
    scattered_w_m2, infrared_w_m2 : ndarray, shape (rows, cols)
        Mean scattered sunlight and mean infrared of terrain absorbed [W/m2].
    sky_view : ndarray, shape (rows, cols)
        Share of the sky in the view of the cells.
    rounds : int
        Times that temperatures and infrared were computed from each other.
    change_k : float
        Largest change of a surface temperature in the last of them [K].
    """

    ground: GroundMap
    sunlight_w_m2: Floats
    scattered_w_m2: Floats
    infrared_w_m2: Floats
    sky_view: Floats
    rounds: int
    change_k: float

    @property
    def permanent_shadow(self) -> npt.NDArray[np.bool_]:
        """Cells that no direct sunlight reaches over the span.

        Returns
        -------
        ndarray of bool, shape (rows, cols)
            True in shadow.
        """
        return np.asarray(self.sunlight_w_m2 <= 0.0)


def hemispherical_albedo(properties: RegolithProperties = HAYNE_2017) -> float:
    """Share of light from all sides of the sky that ground reflects.

    Parameters
    ----------
    properties : RegolithProperties
        For the albedo and its rise with the angle of incidence.

    Returns
    -------
    float
        0 to 1.

    Notes
    -----
    The mean of the albedo over directions, weighted by the cosine of incidence.

    Examples
    --------
    >>> round(hemispherical_albedo(), 3)
    0.227
    """
    incidence = (np.arange(900) + 0.5) * np.pi / 1800.0
    weight = np.sin(2.0 * incidence)
    albedo = np.minimum(properties.incidence_albedo(np.cos(incidence)), 1.0)
    return float((albedo * weight).sum() / weight.sum())


def patch_balance_k(
    patch: TerrainPatch,
    sun_direction: npt.ArrayLike,
    *,
    albedo: float = 0.12,
    emissivity: float = 0.95,
    irradiance_w_m2: float = SOLAR_CONSTANT_W_M2,
    background_w_m2: float = 0.0,
) -> Floats:
    """Temperatures of a patch in radiative balance with the Sun at one place, without heat from the ground.

    Parameters
    ----------
    patch : TerrainPatch
        The terrain.
    sun_direction : array_like, shape (3,)
        Unit vector to the Sun in the axes of the Moon.
    albedo, emissivity : float
        Of a Lambert surface without dependence on angle.
    irradiance_w_m2 : float
        At right angles to the Sun [W/m2].
    background_w_m2 : float
        Absorbed besides [W/m2].

    Returns
    -------
    ndarray, shape (rows, cols)
        [K]; 0 where a cell gets nothing at all.

    Raises
    ------
    InputError
        If the Sun's direction or an optical property is out of range.

    Notes
    -----
    Radiosity: scattering and infrared to all orders between the cells. Compared with `bowl_shadow` in
    the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> flat = TerrainPatch(np.zeros((4, 4)), 10.0)
    >>> float(patch_balance_k(flat, [0.0, 0.0, -1.0]).round(1)[0, 0])
    386.1
    """
    if not (0.0 <= albedo < 1.0 and 0.0 < emissivity <= 1.0 and background_w_m2 >= 0.0):
        raise InputError(f"albedo {albedo!r}, emissivity {emissivity!r}", where="albedo", advice="give 0 to 1")
    sun = SunPath(np.atleast_2d(np.asarray(sun_direction, dtype=float)), np.ones(1), 1.0)
    plain = RegolithProperties(albedo=albedo, albedo_45=0.0, albedo_90=0.0)
    found = _direct(patch, sun, plain)
    direct = found.incident[:, 0] * (irradiance_w_m2 / SOLAR_CONSTANT_W_M2)
    view, lit_view = patch.view_factor, patch.view_factor_of(found.mean)
    scattered = _scattered(view, lit_view, albedo * direct[:, None], albedo)[:, 0]
    view = _mixed(view, lit_view, (1.0 - albedo) * direct, (1.0 - albedo) * scattered + background_w_m2)
    kept = (1.0 - albedo) * (direct + scattered) + background_w_m2
    sent = kept.copy()
    for _ in range(200):
        # What a cell sends is what it keeps and all infrared that it gets, in balance.
        following = kept + view @ sent.astype(np.float32)
        if np.abs(following - sent).max() < 1e-6 * max(float(following.max()), 1e-9):
            break
        sent = following
    absorbed = kept + emissivity * (view @ sent.astype(np.float32))
    return np.asarray(((absorbed / (emissivity * _SIGMA)) ** 0.25).reshape(patch.joined.height_m.shape))


def patch_ground(
    patch: TerrainPatch,
    sun: SunPath,
    *,
    background_w_m2: float = 0.0,
    properties: RegolithProperties = HAYNE_2017,
    grid: Grid | None = None,
    series: bool = False,
    tolerance_k: float = 0.05,
    most_rounds: int = 20,
    flux_tolerance_w_m2: float = 1e-3,
    workers: int | None = None,
) -> PatchGround:
    """Find the periodic temperatures of terrain whose cells shade, light and warm each other.

    Parameters
    ----------
    patch : TerrainPatch
        The terrain.
    sun : SunPath
        Directions of the Sun over the span that is repeated.
    background_w_m2 : float
        Absorbed besides, such as Earthshine or the light of terrain outside the patch [W/m2].
    properties : RegolithProperties
        Of the ground.
    grid : Grid, optional
        Cells in depth.
    series : bool
        Whether to keep the surface temperature of each step.
    tolerance_k : float
        Largest change of a surface temperature between two rounds that is accepted [K].
    most_rounds : int
        Largest number of rounds.
    flux_tolerance_w_m2 : float
        As in `regolith_map`.
    workers : int, optional
        Threads of the columns.

    Returns
    -------
    PatchGround
        Temperatures and fluxes.

    Raises
    ------
    InputError
        If no cell gets any light, so that only geothermal heat would be left: 24 K, colder than any shadow that
        was measured.
    ModelError
        If rounds do not settle.

    Notes
    -----
    Scattered sunlight is found for all steps at once, to all orders, with `hemispherical_albedo` from the second
    order on. Infrared: the columns are brought to balance under the infrared of the round before, each step under
    that of its own time, until nothing changes. No delay is involved, and heat is lost nowhere. Lambert surfaces;
    infrared is reflected once per round.

    References
    ----------
    Vasavada, Paige and Wood (1999), Near-surface temperatures on Mercury and the Moon and the stability of polar
    ice deposits, Icarus 141, 179-193, doi:10.1006/icar.1999.6175.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.meshgrid(np.arange(12.0), np.arange(12.0))
    >>> bowl = TerrainPatch(0.03 * ((x - 5.5) ** 2 + (y - 5.5) ** 2), 1.0)
    >>> day = SunPath.lunar_day(steps=48, declination_deg=-1.5)
    >>> found = patch_ground(bowl, day)
    >>> floor = found.permanent_shadow
    >>> bool(floor[5, 5]), bool(60.0 < found.ground.surface_mean_k[5, 5] < 130.0)
    (True, True)
    """
    if not (np.isfinite(background_w_m2) and background_w_m2 >= 0.0):
        raise InputError(f"{background_w_m2!r}", where="background_w_m2", advice="give 0 W/m2 or more")
    shape, steps = patch.joined.height_m.shape, len(sun.direction)
    direct, emissivity = _direct(patch, sun, properties), properties.emissivity
    view, lit_view, absorbed = patch.view_factor, patch.view_factor_of(direct.mean), direct.absorbed
    diffuse = hemispherical_albedo(properties)
    scattered = (1.0 - diffuse) * _scattered(view, lit_view, direct.incident - absorbed, diffuse)
    view = _mixed(view, lit_view, absorbed.mean(axis=1), scattered.mean(axis=1) + background_w_m2)
    steady = absorbed + scattered + background_w_m2
    # All sunlight is in the background: the Sun of the columns stays below their horizon.
    below = SunPath(np.tile([0.0, 0.0, -1.0], (steps, 1)), sun.distance_factor, sun.step_s, sun.start)
    # First infrared: that of the mean balance, so that shadow starts near its temperature.
    sent = np.repeat(steady.mean(axis=1, keepdims=True), steps, axis=1)
    before: npt.NDArray[np.float32] | None = None
    change, rounds = np.inf, 0
    while True:
        rounds += 1
        received = view @ sent.astype(np.float32)
        given = steady + emissivity * received
        unlit = given.max(axis=1) <= 0.0
        if unlit.all():
            raise InputError(
                "no cell of the patch gets any light", where="sun", advice="give a longer span, or background_w_m2"
            )
        given[unlit] = _NOTHING_W_M2
        found = regolith_map(
            below,
            np.full(shape, 90.0),
            background_w_m2=given.reshape(*shape, steps),
            properties=properties,
            grid=grid,
            series=True,
            flux_tolerance_w_m2=flux_tolerance_w_m2,
            workers=workers,
        )
        surface = found.surface_k
        assert surface is not None
        if before is not None:
            change = float(np.abs(surface - before).max())
        if change < tolerance_k:
            break
        if rounds >= most_rounds:
            raise ModelError(
                f"infrared still moves temperatures by {change:.2g} K after {most_rounds} rounds",
                where="patch_ground",
                advice="allow more rounds, or a larger tolerance_k",
            )
        before = surface
        emitted = emissivity * _SIGMA * surface.reshape(-1, steps).astype(np.float64) ** 4
        sent = emitted + (1.0 - emissivity) * received
    return PatchGround(
        ground=_told(found, unlit.reshape(shape), series),
        sunlight_w_m2=absorbed.mean(axis=1).reshape(shape),
        scattered_w_m2=scattered.mean(axis=1).reshape(shape),
        infrared_w_m2=(emissivity * received).mean(axis=1).reshape(shape),
        sky_view=patch.sky_view,
        rounds=rounds,
        change_k=change,
    )


def _told(found: GroundMap, unlit: npt.NDArray[np.bool_], series: bool) -> GroundMap:
    """The map with NaN where nothing but geothermal heat came in, and the series if it is wanted."""
    surface = found.surface_k if series else None
    return replace(
        found,
        surface_min_k=np.where(unlit, np.nan, found.surface_min_k),
        surface_max_k=np.where(unlit, np.nan, found.surface_max_k),
        surface_mean_k=np.where(unlit, np.nan, found.surface_mean_k),
        mean_k=np.where(unlit[..., None], np.nan, found.mean_k),
        surface_k=None if surface is None else np.where(unlit[..., None], np.float32(np.nan), surface),
    )


@dataclass(frozen=True, eq=False)
class _Direct:
    """Sunlight incident on and absorbed by joined cells, shape (cells, steps); mean incident on single cells."""

    incident: Floats
    absorbed: Floats
    mean: Floats


def _direct(patch: TerrainPatch, sun: SunPath, properties: RegolithProperties) -> _Direct:
    """Direct sunlight on a patch, per area of the joined cells."""
    from moonpost.thermal.mapkernels import sunlight

    turned, block = patch.turned(sun), patch.block
    steps = len(turned.direction)
    rows, cols = (side // block for side in patch.height_m.shape)
    slope, aspect = np.deg2rad(np.minimum(patch.slope_deg, 89.0)), np.deg2rad(patch.aspect_deg)
    share = patch.area_m2 / np.repeat(np.repeat(patch.joined.area_m2, block, axis=0), block, axis=1)
    optics = (properties.albedo, properties.albedo_45, properties.albedo_90)
    out, mean = np.empty((2, rows, cols, steps)), np.empty(patch.height_m.shape)
    for row in range(rows):
        band = slice(row * block, (row + 1) * block)
        count = block * cols * block
        for kind, albedo in enumerate(((0.0, 0.0, 0.0), optics)):
            flux = np.zeros((steps, count))
            sunlight(
                turned.direction,
                SOLAR_CONSTANT_W_M2 * turned.distance_factor,
                turned.angular_radius_rad,
                np.stack([np.full(count, np.pi / 2.0), np.zeros(count)]),
                np.stack([slope[band].ravel(), aspect[band].ravel()]),
                np.deg2rad(patch.horizon_deg[band].reshape(count, -1).astype(np.float64)),
                np.repeat(np.array(albedo)[:, None], count, axis=1),
                flux,
            )
            if kind == 0:
                mean[band] = flux.mean(axis=0).reshape(block, -1)
            weighted = (flux * share[band].ravel()).reshape(steps, block, cols, block)
            out[kind, row] = weighted.sum(axis=(1, 3)).T
    return _Direct(out[0].reshape(-1, steps), out[1].reshape(-1, steps), mean)


def _scattered(
    view: npt.NDArray[np.float32], lit_view: npt.NDArray[np.float32], reflected: Floats, albedo: float
) -> Floats:
    """Scattered light that arrives at cells, to all orders, shape (cells, steps)."""
    first = lit_view @ reflected.astype(np.float32)
    arriving = first
    for _ in range(_BOUNCES):
        following = first + view @ (np.float32(albedo) * arriving)
        moved = float(np.abs(following - arriving).max())
        arriving = following
        if moved < 1e-5:
            break
    return arriving.astype(np.float64)


def _mixed(
    view: npt.NDArray[np.float32], lit_view: npt.NDArray[np.float32], lit: Floats, other: Floats
) -> npt.NDArray[np.float32]:
    """View factors of infrared: what sunlight warms is seen as lit ground, the rest as even ground."""
    share = (lit / np.maximum(lit + other, 1e-12)).astype(np.float32)
    return np.asarray(view * (1.0 - share) + lit_view * share, dtype=np.float32)
