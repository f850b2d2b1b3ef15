"""Contacts of the station with antennas on Earth, and the margins of its links."""

from __future__ import annotations

import numpy as np

from moonpost.study.context import Context
from moonpost.study.results import ContactRow, LinkRow

__all__ = ["contact_rows", "link_rows"]


def contact_rows(context: Context, first: np.datetime64, last: np.datetime64) -> tuple[ContactRow, ...]:
    return ()


def link_rows(context: Context) -> tuple[LinkRow, ...]:
    return ()
