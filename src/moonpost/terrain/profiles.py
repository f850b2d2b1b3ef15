"""Horizon profiles that come with Moonpost, computed from finer terrain than it can carry."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from moonpost.errors import InputError, UnknownNameError
from moonpost.terrain.profile import HorizonProfile

__all__ = ["FOLDER", "shipped_names", "shipped_near", "shipped_profile", "write_profile"]

FOLDER = Path(__file__).parent / "profiles"
"""Folder of the shipped profiles, one file ``<site>_<mast>m.json`` each."""

_SAME_DEG = 2e-4
_NAME = re.compile(r"([a-z0-9][a-z0-9-]*)_([0-9]+(?:\.[0-9]+)?)m")


def shipped_names() -> tuple[tuple[str, float], ...]:
    """Names and masts of the shipped profiles.

    Returns
    -------
    tuple of (str, float)
        Site and height of the mast [m], sorted.

    Examples
    --------
    >>> ("connecting-ridge", 10.0) in shipped_names()
    True
    """
    found = (_NAME.fullmatch(path.stem) for path in FOLDER.glob("*.json"))
    return tuple(sorted((match[1], float(match[2])) for match in found if match))


def shipped_profile(name: str, mast_m: float = 2.0) -> HorizonProfile:
    """Read a shipped horizon profile.

    Parameters
    ----------
    name : str
        Site, such as ``"connecting-ridge"``.
    mast_m : float, default 2.0
        Height of the mast [m]; there is a file for a few heights only, nothing is interpolated.

    Returns
    -------
    HorizonProfile
        With the provenance of the terrain that it was computed from.

    Raises
    ------
    UnknownNameError
        If there is none of that site and mast.

    Examples
    --------
    >>> shipped_profile("connecting-ridge", mast_m=10.0).grade
    'site'
    """
    names = shipped_names()
    if (name, float(mast_m)) not in names:
        known = [f"{site} at {mast:g} m" for site, mast in names]
        raise UnknownNameError(f"{name} at {mast_m:g} m", known, kind="horizon profile")
    return HorizonProfile.load(FOLDER / _file_name(name, mast_m))


def shipped_near(latitude_deg: float, longitude_deg: float, mast_m: float) -> HorizonProfile | None:
    """Shipped profile of this very place and mast, if there is one.

    Parameters
    ----------
    latitude_deg, longitude_deg : float
        The place [deg].
    mast_m : float
        Height of the mast [m].

    Returns
    -------
    HorizonProfile or None
        One whose place is within 6 m; None if there is none.

    Examples
    --------
    >>> shipped_near(-89.4395, 222.8066, 10.0).grade
    'site'
    >>> shipped_near(-89.4395, 222.8066, 11.0) is None
    True
    """
    for name, height_m in shipped_names():
        if height_m == mast_m:
            profile = shipped_profile(name, mast_m)
            east = math.cos(math.radians(latitude_deg)) * (
                (profile.site.longitude_deg - longitude_deg + 180.0) % 360.0 - 180.0
            )
            if math.hypot(profile.site.latitude_deg - latitude_deg, east) < _SAME_DEG:
                return profile
    return None


def write_profile(
    profile: HorizonProfile, name: str, folder: Path | str = FOLDER, *, note: str | dict[str, Any] | None = None
) -> Path:
    """Write a profile under the name by which `shipped_profile` finds it.

    Parameters
    ----------
    profile : HorizonProfile
        As `moonpost.terrain.horizon` made it.
    name : str
        Site in small letters, digits and hyphens.
    folder : path-like
        Where to; the package's own folder if not given.
    note : str or dict, optional
        Kept in the provenance as ``note``, for instance a caveat about the terrain.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the name does not fit a file name.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.sky import Site
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_profile(HorizonProfile.flat(Site(-89.5, 0.0), mast_m=2.0), "my-site", folder).name
    'my-site_2m.json'
    """
    file_name = _file_name(name, profile.mast_m)
    if not _NAME.fullmatch(file_name.removesuffix(".json")):
        raise InputError(
            f"{name!r} cannot name a profile", where="name", advice="use small letters, digits, hyphens"
        )
    plain = profile.to_dict()
    if note is not None:
        plain["provenance"] = {**plain["provenance"], "note": note}
    return HorizonProfile.from_dict(plain).save(Path(folder) / file_name)


def _file_name(name: str, mast_m: float) -> str:
    return f"{name}_{mast_m:g}m.json"
