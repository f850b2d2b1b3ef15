"""Getting there and back: velocity changes and masses, orbits and their shadow, transfers, landings, returns.

The names most in use are handed on here, from modules that are loaded when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from moonpost.flight.chain import (
    STANDARD_GRAVITY_M_S2,
    ChainResult,
    Drop,
    Leg,
    fly_transfer,
    propellant_fraction,
)
from moonpost.flight.environment import Environment
from moonpost.flight.light import beta_deg, earth_in_view, orbit_light
from moonpost.flight.missions import LandedMass, landed_mass_kg, mission_chain
from moonpost.flight.orbit import MOON_GM_M3_S2, LunarOrbit, bodies_m, eccentric_anomaly
from moonpost.flight.propagate import propagate, propagate_batch, state_transition
from moonpost.flight.shadow import Darkness, contact_share, darkness, earth_outages, longest_umbra_s
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory

if TYPE_CHECKING:
    from moonpost.flight.ascent import Ascent, ascend
    from moonpost.flight.burns import Burn, Impulse
    from moonpost.flight.capture import finite_insertion, impulsive_insertion, staged_insertion
    from moonpost.flight.coverage import Contacts, contacts
    from moonpost.flight.czml import write_czml
    from moonpost.flight.descent import Descent, descend
    from moonpost.flight.events import altitude, apsides, eclipses, elevation, nodes
    from moonpost.flight.freereturn import free_return
    from moonpost.flight.frozen import altitude_range, frozen_orbit
    from moonpost.flight.gmat import write_gmat
    from moonpost.flight.gravityfield import GravityField
    from moonpost.flight.halos import halo_family
    from moonpost.flight.landing import landing_opportunities
    from moonpost.flight.launch import launch_times
    from moonpost.flight.lifetime import lifetime_map
    from moonpost.flight.lowenergy import low_energy
    from moonpost.flight.lowering import cheapest_lowering, lower
    from moonpost.flight.manifolds import Section, manifold
    from moonpost.flight.nrho import ReferenceOrbit, reference_orbit
    from moonpost.flight.oem import read_oem, write_oem
    from moonpost.flight.relays import lasting_node, relay_orbit, sweep_relays
    from moonpost.flight.returns import ReturnWindows, scan_returns
    from moonpost.flight.samplereturn import SampleReturn
    from moonpost.flight.spk import read_spk_course, write_spk
    from moonpost.flight.stationkeeping import StationErrors, keep_station
    from moonpost.flight.sunlight import Sunlight
    from moonpost.flight.synodic import SynodicFrame
    from moonpost.flight.transfers import Arrival, Parking, target_bplane
    from moonpost.flight.upkeep import hold_altitude
    from moonpost.flight.views import EarthView, SiteView, StationView
    from moonpost.flight.windows import Windows, scan_transfers

__all__ = [
    "MOON_GM_M3_S2",
    "STANDARD_GRAVITY_M_S2",
    "Arrival",
    "Ascent",
    "Burn",
    "ChainResult",
    "Contacts",
    "Darkness",
    "Descent",
    "Drop",
    "EarthView",
    "Environment",
    "GravityField",
    "Impulse",
    "LandedMass",
    "Leg",
    "LunarOrbit",
    "Parking",
    "ReferenceOrbit",
    "ReturnWindows",
    "SampleReturn",
    "Section",
    "SiteView",
    "State",
    "StationErrors",
    "StationView",
    "Sunlight",
    "SynodicFrame",
    "Trajectory",
    "Windows",
    "altitude",
    "altitude_range",
    "apsides",
    "ascend",
    "beta_deg",
    "bodies_m",
    "cheapest_lowering",
    "contact_share",
    "contacts",
    "darkness",
    "descend",
    "earth_in_view",
    "earth_outages",
    "eccentric_anomaly",
    "eclipses",
    "elevation",
    "finite_insertion",
    "fly_transfer",
    "free_return",
    "frozen_orbit",
    "halo_family",
    "hold_altitude",
    "impulsive_insertion",
    "keep_station",
    "landed_mass_kg",
    "landing_opportunities",
    "lasting_node",
    "launch_times",
    "lifetime_map",
    "longest_umbra_s",
    "low_energy",
    "lower",
    "manifold",
    "mission_chain",
    "nodes",
    "orbit_light",
    "propagate",
    "propagate_batch",
    "propellant_fraction",
    "read_oem",
    "read_spk_course",
    "reference_orbit",
    "relay_orbit",
    "scan_returns",
    "scan_transfers",
    "staged_insertion",
    "state_transition",
    "sweep_relays",
    "target_bplane",
    "write_czml",
    "write_gmat",
    "write_oem",
    "write_spk",
]

_HOME = {
    "Arrival": "transfers",
    "Ascent": "ascent",
    "Burn": "burns",
    "Contacts": "coverage",
    "Descent": "descent",
    "EarthView": "views",
    "GravityField": "gravityfield",
    "Impulse": "burns",
    "Parking": "transfers",
    "ReferenceOrbit": "nrho",
    "ReturnWindows": "returns",
    "SampleReturn": "samplereturn",
    "Section": "manifolds",
    "SiteView": "views",
    "StationErrors": "stationkeeping",
    "StationView": "views",
    "Sunlight": "sunlight",
    "SynodicFrame": "synodic",
    "Windows": "windows",
    "altitude": "events",
    "altitude_range": "frozen",
    "apsides": "events",
    "ascend": "ascent",
    "cheapest_lowering": "lowering",
    "contacts": "coverage",
    "descend": "descent",
    "eclipses": "events",
    "elevation": "events",
    "finite_insertion": "capture",
    "free_return": "freereturn",
    "frozen_orbit": "frozen",
    "halo_family": "halos",
    "hold_altitude": "upkeep",
    "impulsive_insertion": "capture",
    "keep_station": "stationkeeping",
    "landing_opportunities": "landing",
    "lasting_node": "relays",
    "launch_times": "launch",
    "lifetime_map": "lifetime",
    "low_energy": "lowenergy",
    "lower": "lowering",
    "manifold": "manifolds",
    "nodes": "events",
    "read_oem": "oem",
    "read_spk_course": "spk",
    "reference_orbit": "nrho",
    "relay_orbit": "relays",
    "scan_returns": "returns",
    "scan_transfers": "windows",
    "staged_insertion": "capture",
    "sweep_relays": "relays",
    "target_bplane": "transfers",
    "write_czml": "czml",
    "write_gmat": "gmat",
    "write_oem": "oem",
    "write_spk": "spk",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Public names, those not loaded yet included."""
    return sorted({*globals(), *_HOME})
