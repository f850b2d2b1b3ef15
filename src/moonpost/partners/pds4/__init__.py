"""Data products as PDS4: arrays and tables with labels, written and checked offline."""

from moonpost.partners.pds4.about import AUTHORITIES, LEVELS, MODEL_VERSION, About, Change, Component
from moonpost.partners.pds4.check import LabelCheck, LabelFault, check_label, own_schema
from moonpost.partners.pds4.contexts import about_product, about_result
from moonpost.partners.pds4.elements import NAMESPACE
from moonpost.partners.pds4.files import Content, array_parts, read_content, table_part
from moonpost.partners.pds4.label import Written, label_history, write_product
from moonpost.partners.pds4.parts import ArrayPart, TablePart
from moonpost.partners.pds4.records import (
    ReleaseRecord,
    check_recorded,
    record_releases,
    recorded_releases,
    release_body,
)

__all__ = [
    "AUTHORITIES",
    "LEVELS",
    "MODEL_VERSION",
    "NAMESPACE",
    "About",
    "ArrayPart",
    "Change",
    "Component",
    "Content",
    "LabelCheck",
    "LabelFault",
    "ReleaseRecord",
    "TablePart",
    "Written",
    "about_product",
    "about_result",
    "array_parts",
    "check_label",
    "check_recorded",
    "label_history",
    "own_schema",
    "read_content",
    "record_releases",
    "recorded_releases",
    "release_body",
    "table_part",
    "write_product",
]
