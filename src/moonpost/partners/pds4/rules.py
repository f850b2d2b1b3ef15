"""Rules of the PDS4 model that a schema cannot state: those of its Schematron file 1.20.0.0 for such labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moonpost.partners.pds4.about import AUTHORITIES
from moonpost.partners.pds4.reading import children, find_text, local_name

__all__ = ["CITED", "broken_rules"]

CITED = 5000
"""Most characters, without spaces, of the description in a citation."""

_PDS = "{http://pds.nasa.gov/pds4/pds/v1}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_KINDS = {
    "Investigation_Area": ("data_to_investigation",),
    "Observing_System_Component": (
        *("is_instrument", "is_instrument_host", "is_other", "is_facility", "is_telescope", "is_airborne"),
    ),
    "Target_Identification": ("data_to_target",),
    "Reference_List": (
        *("data_to_associate", "data_to_resource", "data_to_calibration_document", "data_to_calibration_product"),
        *("data_to_raw_product", "data_to_partially_processed_product", "data_to_calibrated_product"),
        *("data_to_derived_product", "data_to_geometry", "data_to_spice_kernel", "data_to_thumbnail"),
        *("data_to_document", "data_curated_by_node", "data_to_browse", "data_to_ancillary_data"),
    ),
}
_FACETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Atmospheres": (("Structure", "Meteorology"), ()),
    "Fields": (("Electric", "Magnetic"), ("Background", "Waves")),
    "Flux Measurements": (("Photometry", "Polarimetry"), ()),
    "Imaging": (("Grayscale", "Color", "Movie", "Color Movie"), ()),
    "Particles": (("Ions", "Electrons", "Neutrals"), ("Cosmic Ray", "Solar Energetic", "Energetic", "Plasma")),
    "Ring-Moon Systems": (
        ("Satellite Astrometry", "Ring Compositional Map", "Ring Occultation Profile", "Ring Thermal Map"),
        (),
    ),
    "Small Bodies": (
        (
            *("Dynamical Properties", "Lightcurve", "Meteoritics", "Physical Properties", "Production Rates"),
            *("Shape Model", "Taxonomy", "Dust Study", "Historical Reference", "Gas Study"),
        ),
        (),
    ),
    "Spectroscopy": (("2D", "Linear", "Spectral Cube", "Spectral Image", "Tabulated"), ()),
}


def broken_rules(node: Any) -> Iterator[tuple[Any, str]]:
    """Find which of these rules a label breaks.

    Parameters
    ----------
    node : lxml.etree._Element
        Root of the label, from `read_tree`.

    Yields
    ------
    tuple of (lxml.etree._Element, str)
        Where, and what is wrong.

    References
    ----------
    Planetary Data System (2023), PDS4 Schematron rules of the common dictionary, version 1.20.0.0.

    Examples
    --------
    >>> from lxml import etree
    >>> [text for _, text in broken_rules(etree.fromstring("<pds:a xmlns:pds='http://pds.nasa.gov/pds4/pds/v1'/>"))]
    ['the root is written pds:a, and must be without a prefix']
    """
    if node.prefix:
        yield node, f"the root is written {node.prefix}:{local_name(node)}, and must be without a prefix"
    for item in node.iter("{*}*"):
        if f"{_XSI}nil" in item.attrib and (item.get(f"{_XSI}nil") == "true") != ("nilReason" in item.attrib):
            yield item, f"{local_name(item)}: nilReason and xsi:nil of true go together"
    yield from _references(node)
    yield from _sources(node)
    yield from _facets(node)
    yield from _tables(node)
    for item in node.iter(f"{_PDS}Citation_Information"):
        if len(find_text(item, "description").replace(" ", "")) > CITED:
            yield item, f"the description of a citation has more than {CITED} characters"


def _references(root: Any) -> Iterator[tuple[Any, str]]:
    """Kinds of reference, by where they stand, and what they refer to."""
    for node in root.iter(f"{_PDS}Internal_Reference"):
        above, kind = node.getparent(), find_text(node, "reference_type")
        parent = "" if above is None else local_name(above)
        if parent in _KINDS and kind not in _KINDS[parent]:
            yield node, f"reference_type {kind} is none of {', '.join(_KINDS[parent])}"
        lid = find_text(node, "lid_reference") or find_text(node, "lidvid_reference")
        if not lid.startswith(tuple(f"{name}:" for name in AUTHORITIES)):
            yield node, f"the reference to {lid} begins with none of {', '.join(AUTHORITIES)}"


def _sources(root: Any) -> Iterator[tuple[Any, str]]:
    for node in children(root, "Reference_List/Source_Product_External"):
        if not find_text(node, "doi") and not find_text(node, "curating_facility"):
            yield node, "a source outside the registry needs a doi or a curating_facility"


def _facets(root: Any) -> Iterator[tuple[Any, str]]:
    """Facets, by discipline."""
    for node in root.iter(f"{_PDS}Science_Facets"):
        discipline = find_text(node, "discipline_name")
        for name, permitted in zip(("facet1", "facet2"), _FACETS.get(discipline, ((), ())), strict=True):
            facet = find_text(node, name)
            if facet and facet not in permitted:
                yield node, f"{name} {facet} is none of {discipline}: {', '.join(permitted) or 'it has none'}"


def _tables(root: Any) -> Iterator[tuple[Any, str]]:
    """Formats that are to be validated, and steps of samples."""
    for node in root.iter(f"{_PDS}Field_Character"):
        wanted = find_text(node, "validation_format")
        if wanted and wanted != find_text(node, "field_format"):
            yield node, f"validation_format {wanted} is not the field_format"
    for node in root.iter(f"{_PDS}Uniformly_Sampled"):
        base = find_text(node, "sampling_parameter_base")
        exponential = find_text(node, "sampling_parameter_scale") == "Exponential"
        if exponential != bool(base) or (base and not _above_zero(base)):
            yield node, "a sampling_parameter_base above 0 goes with the scale Exponential, and with no other"


def _above_zero(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
