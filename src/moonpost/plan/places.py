"""Places: sites on the Moon, orbits round it, and antennas on Earth."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from moonpost.plan.base import Identifier, Row, Sourced, When

__all__ = ["GroundStation", "MoonSite", "Orbit", "OrbitStation", "Station", "SurfaceStation"]


class MoonSite(Row):
    """A place on the Moon in selenographic coordinates (MOON_ME, planetocentric, east positive)."""

    latitude_deg: float = Field(ge=-90, le=90, description="Selenographic latitude, north positive [deg].")
    longitude_deg: float = Field(ge=-180, le=360, description="Selenographic longitude, east positive [deg].")
    height_m: float | None = Field(
        default=None,
        ge=-10_000,
        le=12_000,
        description="Height above the 1737.4 km sphere; from terrain if absent [m].",
    )
    use: Literal["station", "candidate", "landing", "target"] = "landing"
    terrain: tuple[str, ...] = Field(
        default=(),
        description="GeoTIFF heights for this site, finest first, relative to the plan; built-in grids if absent.",
    )


class Orbit(Sourced):
    """A lunar orbit by its altitudes and angles; several may be carried as options."""

    perilune_altitude_km: float = Field(gt=0, description="Lowest altitude above 1737.4 km [km].")
    apolune_altitude_km: float = Field(gt=0, description="Highest altitude above 1737.4 km [km].")
    inclination_deg: float = Field(ge=0, le=180, description="To the lunar equator [deg].")
    argument_of_perilune_deg: float = Field(default=270.0, ge=0, lt=360, description="[deg]")
    node_deg: float = Field(
        default=0.0,
        ge=0,
        lt=360,
        description="Longitude of the ascending node in the lunar equator of the epoch [deg].",
    )
    epoch: When | None = None
    period_h: float | None = Field(default=None, gt=0, description="Published period, for comparison [h].")

    @model_validator(mode="after")
    def _ordered(self) -> Orbit:
        if self.apolune_altitude_km < self.perilune_altitude_km:
            raise ValueError("apolune_altitude_km is below perilune_altitude_km: exchange them")
        return self


class SurfaceStation(Row):
    """A station on the ground."""

    kind: Literal["surface"]
    site: Identifier = Field(description="The baseline site.")
    candidates: tuple[Identifier, ...] = Field(default=(), description="Sites to compare with the baseline.")
    masts_m: tuple[Annotated[float, Field(ge=0, le=200)], ...] = Field(
        default=(2.0, 10.0), min_length=1, description="Heights above ground at which light is computed [m]."
    )


class OrbitStation(Row):
    """A station in lunar orbit."""

    kind: Literal["orbit"]
    orbit: Orbit


Station = Annotated[SurfaceStation | OrbitStation, Field(discriminator="kind")]


class GroundStation(Row):
    """An antenna on Earth (WGS 84)."""

    owner: Identifier
    latitude_deg: float = Field(ge=-90, le=90, description="Geodetic latitude [deg].")
    longitude_deg: float = Field(ge=-180, le=180, description="East longitude [deg].")
    height_m: float = Field(default=0.0, description="Height above the ellipsoid [m].")
    antenna_m: float = Field(gt=0, description="Dish diameter [m].")
    mask_deg: float = Field(default=10.0, ge=0, lt=90, description="Lowest usable elevation of the Moon [deg].")
