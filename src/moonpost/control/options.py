"""How a mission runs: what can be chosen when it is opened."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from moonpost.control.clock import checked_speed
from moonpost.control.outside import address_of
from moonpost.errors import InputError
from moonpost.plan import Plan, SurfaceStation

__all__ = ["Options"]

_ORBIT_STEP_S, _STEP_S = 3600.0, 60.0


@dataclass(frozen=True)
class Options:
    """How a mission runs.

    Parameters
    ----------
    speed : float
        Simulated seconds for each second of wall time, 0.01 to 100,000.
    start : str, optional
        First instant of the simulation, UTC; the station's own if not given.
    days : float
        Length of the simulation [d].
    step_s : float, optional
        Step of the simulation [s]; 60, in orbit 3600.
    site : str, optional
        A site of the plan; the station's if not given.
    seed : int
        Of what is drawn by chance.
    database : str, optional
        URL of PostgreSQL; a file of SQLite in the folder if not given.
    ledger : str, optional
        The partners' ledger: a file or URL. Its owners and agreements count before those of the plan.
    host : str
        Address of the ports for packets.
    telemetry_port, command_port : int, optional
        Ports for telemetry in and out, and for telecommands in; 0 takes any free one.
    telemetry_form : {"frames", "packets"}
        What is sent to the telemetry port.
    command_user : str, optional
        Whose requests the packets of the command port are.
    telemetry_to : str, optional
        ``HOST:PORT`` to which the station's frames are sent by UDP, too.
    uplink_to : str, optional
        ``HOST:PORT`` of an outside station, to which commands are sent by TCP instead of the simulated one.
    xtce : path-like, optional
        Dictionary of an outside station, beside that of the simulated one.

    Examples
    --------
    >>> Options(speed=1000.0).days
    60.0
    """

    speed: float = 1.0
    start: str | None = None
    days: float = 60.0
    step_s: float | None = None
    site: str | None = None
    seed: int = 0
    database: str | None = None
    ledger: str | None = None
    host: str = "127.0.0.1"
    telemetry_port: int | None = None
    command_port: int | None = None
    telemetry_form: str = "frames"
    command_user: str | None = None
    telemetry_to: str | None = None
    uplink_to: str | None = None
    xtce: str | os.PathLike[str] | None = None

    def check(self, plan: Plan) -> None:
        """Refuse at once what can be refused at once.

        Parameters
        ----------
        plan : Plan
            What is to be flown.

        Raises
        ------
        InputError
            If an option cannot be used.
        UnknownNameError
            If the plan has no such site.
        """
        checked_speed(self.speed)
        if self.site is not None:
            plan.site(self.site)
        if self.command_port is not None and self.command_user is None:
            raise InputError(
                "needs to know whose commands come there",
                where="--command-port",
                advice="give --command-user NAME",
            )
        if not (math.isfinite(self.days) and self.days > 0.0):
            raise InputError(f"is {self.days}", where="days", advice="give a number above 0")
        if self.step_s is not None and not math.isfinite(self.step_s):
            raise InputError(f"is {self.step_s}", where="step_s", advice="give a number of seconds")
        address_of(self.telemetry_to, "--telemetry-to")
        address_of(self.uplink_to, "--uplink")

    def step_of(self, plan: Plan) -> float:
        """The step of the simulation.

        Parameters
        ----------
        plan : Plan
            What is to be flown.

        Returns
        -------
        float
            [s]
        """
        if self.step_s is not None:
            return float(self.step_s)
        on_ground = self.site is not None or isinstance(plan.station, SurfaceStation)
        return _STEP_S if on_ground else _ORBIT_STEP_S
