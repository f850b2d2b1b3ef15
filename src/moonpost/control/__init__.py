"""Mission control: the station is flown live, in a browser, over the packets that a real one would send.

`moonpost.control.mission.MissionControl` puts its parts together; `moonpost serve` opens it to browsers.
"""

from __future__ import annotations

__all__: list[str] = []
