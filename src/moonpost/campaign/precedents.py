"""Instruments of their kind that have worked at the Moon: what could serve an objective that has none."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PRECEDENTS", "Precedent", "of_technique", "precedents"]


@dataclass(frozen=True)
class Precedent:
    """An instrument that has worked at the Moon.

    Parameters
    ----------
    name, carrier : str
        The instrument and what carried it.
    technique : str
        Beginning of a word in the names of instruments that work alike.
    words : tuple of str
        Beginnings of words of objectives that it could serve.
    source : str
        Where it is described.

    Notes
    -----
    All rows are typed from memory (confidence C): look the source up before relying on one.

    Examples
    --------
    >>> PRECEDENTS[0].carrier
    "Chang'e 4 lander"
    """

    name: str
    carrier: str
    technique: str
    words: tuple[str, ...]
    source: str


PRECEDENTS = (
    Precedent(
        "Low Frequency Spectrometer, 0.1 to 40 MHz",
        "Chang'e 4 lander",
        "radio",
        ("low-frequency", "radio"),
        "Jia et al. (2018), Planet. Space Sci. 162, 207, doi:10.1016/j.pss.2018.02.011",
    ),
    Precedent(
        "Lunar Radar Sounder, 5 MHz",
        "Kaguya",
        "radar",
        ("lava", "tube", "cave"),
        "Kaku et al. (2017), Geophys. Res. Lett. 44, 10155, doi:10.1002/2017GL074998",
    ),
    Precedent(
        "Lunar Penetrating Radar, 60 and 500 MHz",
        "Yutu-2",
        "radar",
        ("lava", "tube", "structure", "layer", "regolith depth"),
        "Jia et al. (2018), Planet. Space Sci. 162, 207, doi:10.1016/j.pss.2018.02.011",
    ),
    Precedent(
        "Passive Seismic Experiment",
        "Apollo 12, 14, 15, 16 stations",
        "seism",
        ("structure", "mantle", "quake", "seism"),
        "Nakamura et al. (1982), J. Geophys. Res. 87, A117, doi:10.1029/JB087iS01p0A117",
    ),
    Precedent(
        "Lunar Exploration Neutron Detector",
        "Lunar Reconnaissance Orbiter",
        "neutron",
        ("water", "ice", "volatile", "hydrogen"),
        "Mitrofanov et al. (2010), Science 330, 483, doi:10.1126/science.1185696",
    ),
    Precedent(
        "Lunar Dust Experiment",
        "LADEE",
        "dust",
        ("dust", "plasma"),
        "Horanyi et al. (2015), Nature 522, 324, doi:10.1038/nature14479",
    ),
    Precedent(
        "Moon Mineralogy Mapper",
        "Chandrayaan-1",
        "hyperspectral",
        ("mineral", "material"),
        "Pieters et al. (2009), Science 326, 568, doi:10.1126/science.1178658",
    ),
    Precedent(
        "Lunar-based Ultraviolet Telescope",
        "Chang'e 3 lander",
        "ultraviolet",
        ("ultraviolet", "optical", "sky watch"),
        "Reports of the Chang'e 3 mission, 2013 to 2015",
    ),
    Precedent(
        "Biological experiment payload",
        "Chang'e 4 lander",
        "plant",
        ("plant", "microbe", "life", "biolog"),
        "Reports of the Chang'e 4 mission, January 2019",
    ),
)
"""From memory, confidence C."""


def precedents(text: str) -> tuple[Precedent, ...]:
    """Instruments of which a text uses the words.

    Parameters
    ----------
    text : str
        Such as an objective's name.

    Returns
    -------
    tuple of Precedent
        Those with the most words first; empty if there is none.

    Examples
    --------
    >>> [row.carrier for row in precedents("Access and survey of a lava tube")]
    ['Kaguya', 'Yutu-2']
    >>> precedents("Granular physics at a sixth of Earth's gravity")
    ()
    """
    lower = text.lower()
    hits = [(sum(_begins(word, lower) for word in row.words), row) for row in PRECEDENTS]
    return tuple(row for count, row in sorted(hits, key=lambda hit: -hit[0]) if count)


def of_technique(technique: str, name: str) -> bool:
    """Whether an instrument's name says that it works by a technique.

    Parameters
    ----------
    technique : str
        Beginning of a word.
    name : str
        Name of an instrument.

    Returns
    -------
    bool

    Examples
    --------
    >>> of_technique("radar", "Ground-penetrating radar")
    True
    """
    return _begins(technique, name.lower())


def _begins(word: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(word)}", text) is not None
