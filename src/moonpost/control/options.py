"""How a mission runs: what can be chosen when it is opened."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace

from moonpost.control.clock import checked_speed
from moonpost.control.missionfolder import Flown
from moonpost.control.outside import address_of
from moonpost.errors import InputError, MoonpostError
from moonpost.plan import Plan, SurfaceStation
from moonpost.sky.times import as_utc

__all__ = ["Options", "settled"]

_DAYS, _ORBIT_STEP_S, _STEP_S = 60.0, 3600.0, 60.0


@dataclass(frozen=True)
class Options:
    """How a mission runs.

    Parameters
    ----------
    speed : float
        Simulated seconds for each second of wall time, 0.01 to 100,000.
    start : str, optional
        First instant of the simulation, UTC; as before, else the station's own.
    days : float, optional
        Length of the simulation [d]; as before, else 60.
    step_s : float, optional
        Step of the simulation [s]; as before, else 60, in orbit 3600.
    site : str, optional
        A site of the plan; as before, else the station's.
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
    nats : str, optional
        Address of a server of NATS with JetStream, whose stream of packets feeds the ground, too.
    xtce : path-like, optional
        Dictionary of an outside station, beside that of the simulated one.

    Examples
    --------
    >>> Options(speed=1000.0).host
    '127.0.0.1'
    """

    speed: float = 1.0
    start: str | None = None
    days: float | None = None
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
    nats: str | None = None
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
        if self.start is not None:
            try:
                as_utc(self.start)
            except MoonpostError as error:
                raise InputError(error.what, where="--start", advice="write it like 2040-06-22T02:30") from error
        if self.days is not None and not (math.isfinite(self.days) and self.days > 0.0):
            raise InputError(f"is {self.days}", where="days", advice="give a number above 0")
        if self.step_s is not None and not math.isfinite(self.step_s):
            raise InputError(f"is {self.step_s}", where="step_s", advice="give a number of seconds")
        address_of(self.telemetry_to, "--telemetry-to")
        address_of(self.uplink_to, "--uplink")

    def flown(self, plan: Plan) -> Flown:
        """What is asked to be flown.

        Parameters
        ----------
        plan : Plan
            The plan.

        Returns
        -------
        Flown
            None for what is left open.
        """
        return Flown.of(plan, self.start, self.days, self.step_s, self.site, self.seed)


def settled(flown: Flown, plan: Plan) -> Flown:
    """What is flown, with what is still open as it is by default.

    Parameters
    ----------
    flown : Flown
        As of a folder.
    plan : Plan
        The plan.

    Returns
    -------
    Flown

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs-orbit")
    >>> settled(Options().flown(plan), plan).step_s
    3600.0
    """
    on_ground = flown.site is not None or isinstance(plan.station, SurfaceStation)
    step_s = _STEP_S if on_ground else _ORBIT_STEP_S
    return replace(
        flown,
        days=_DAYS if flown.days is None else flown.days,
        step_s=step_s if flown.step_s is None else flown.step_s,
    )
