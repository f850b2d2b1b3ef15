"""Getting there: velocity changes, masses, lunar orbits and the shadow in them."""

from moonpost.flight.chain import (
    STANDARD_GRAVITY_M_S2,
    ChainResult,
    Drop,
    Leg,
    fly_transfer,
    propellant_fraction,
)
from moonpost.flight.light import beta_deg, earth_in_view, orbit_light
from moonpost.flight.missions import LandedMass, landed_mass_kg, mission_chain
from moonpost.flight.orbit import MOON_GM_M3_S2, LunarOrbit, bodies_m, eccentric_anomaly
from moonpost.flight.shadow import Darkness, contact_share, darkness, earth_outages, longest_umbra_s

__all__ = [
    "MOON_GM_M3_S2",
    "STANDARD_GRAVITY_M_S2",
    "ChainResult",
    "Darkness",
    "Drop",
    "LandedMass",
    "Leg",
    "LunarOrbit",
    "beta_deg",
    "bodies_m",
    "contact_share",
    "darkness",
    "earth_in_view",
    "earth_outages",
    "eccentric_anomaly",
    "fly_transfer",
    "landed_mass_kg",
    "longest_umbra_s",
    "mission_chain",
    "orbit_light",
    "propellant_fraction",
]
