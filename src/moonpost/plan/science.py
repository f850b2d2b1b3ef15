"""What the station is to find out: objectives, instruments and the data they give."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from moonpost.plan.base import Identifier, Row, When

__all__ = ["DataProduct", "Instrument", "Objective"]


class Objective(Row):
    """A question that the station is to answer."""

    area: str = Field(min_length=1, description="Science area.")
    status: Literal["served", "open"] = Field(
        default="served", description="served: an instrument serves it; open: declared to have none yet."
    )


class Instrument(Row):
    """A payload that serves objectives."""

    owner: Identifier
    element: Identifier = Field(description="The element that carries it.")
    objectives: tuple[Identifier, ...] = Field(min_length=1)
    mass_kg: float | None = Field(default=None, gt=0, description="[kg]")
    power_w: float | None = Field(default=None, ge=0, description="[W]")
    data_bit_s: float | None = Field(default=None, ge=0, description="[bit/s]")


class DataProduct(Row):
    """A kind of data that an instrument gives, with who sees it when."""

    instrument: Identifier
    level: Literal["raw", "partially-processed", "calibrated", "derived"] = Field(
        description="Processing level, in the words of PDS4."
    )
    producer: Identifier | None = Field(
        default=None, description="Partner that makes it; the instrument's owner if absent."
    )
    collected: When | None = Field(default=None, description="When the data were or will be taken.")
    embargo_days: float = Field(
        default=0.0, ge=0, le=20_000, description="Kept to those with early access for so long after that [d]."
    )
    early_access: tuple[Identifier, ...] = Field(
        default=(), description="Partners that may see it during the embargo, besides producer and owner."
    )
    partners_after_days: float | None = Field(
        default=None, ge=0, le=20_000, description="All partners of the station may see it after so long [d]."
    )
    published: When | None = Field(default=None, description="When it was made public, if it was.")
