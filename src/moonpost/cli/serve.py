"""``moonpost serve``: mission control in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from moonpost.control.mission import MissionControl
    from moonpost.control.settings import Oidc

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("serve")(serve)


def serve(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    data: Path = typer.Option(Path("control"), help="The mission's folder; it is made if it is not there."),
    host: str = typer.Option("127.0.0.1", help="Address to bind to."),
    port: int = typer.Option(8000, min=0, max=65535, help="Port; 0 takes any free one."),
    speed: float = typer.Option(1.0, help="Simulated seconds for each second, 0.01 to 100,000."),
    start: str | None = typer.Option(None, help="First instant, UTC; as before, else the plan's design start."),
    days: float | None = typer.Option(None, help="Length of the simulation [d]; as before, else 60."),
    step: float | None = typer.Option(None, help="Step of the simulation [s]; as before, else 60, in orbit 3600."),
    at: str | None = typer.Option(None, help="A site of the plan; as before, else the station's."),
    telemetry_port: int | None = typer.Option(
        None, min=0, max=65535, help="Port for telemetry in (TCP, UDP) and the station's frames out (TCP)."
    ),
    telemetry_format: str = typer.Option("frames", help="What is sent to that port: frames or packets."),
    telemetry_to: str | None = typer.Option(None, help="HOST:PORT that is sent the station's frames by UDP."),
    command_port: int | None = typer.Option(None, min=0, max=65535, help="Port for telecommand packets in (TCP)."),
    command_user: str | None = typer.Option(None, help="Whose requests the packets of that port are."),
    uplink: str | None = typer.Option(None, help="HOST:PORT of an outside station that commands go to (TCP)."),
    xtce: Path | None = typer.Option(None, help="Dictionary of an outside station (XTCE)."),
    nats: str | None = typer.Option(None, help="Address of NATS JetStream that packets come from, too."),
    database: str | None = typer.Option(None, help="URL of PostgreSQL; a file in the folder if not given."),
    ledger: str | None = typer.Option(None, help="The partners' ledger: a file or URL."),
    tls_cert: Path | None = typer.Option(None, help="PEM file of a certificate: the server speaks TLS."),
    tls_key: Path | None = typer.Option(None, help="PEM file of its key."),
    oidc_issuer: str | None = typer.Option(None, help="Address of a provider of single sign-on (OpenID Connect)."),
    oidc_client: str | None = typer.Option(None, help="What it calls this server; secret: MOONPOST_OIDC_SECRET."),
    oidc_claim: str = typer.Option("preferred_username", help="Claim that holds the name of a user here."),
) -> None:
    """Fly the simulated station of a plan: mission control in a browser on this machine.

    Example: moonpost serve ilrs --data control --speed 1000
    """
    from moonpost.control.mission import MissionControl
    from moonpost.control.options import Options
    from moonpost.control.settings import Settings, secret
    from moonpost.control.web.serving import listening, serve_mission
    from moonpost.plan import load_plan

    settings = Settings(
        host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, oidc=_oidc(oidc_issuer, oidc_client, oidc_claim)
    )
    options = Options(
        speed=speed, start=start, days=days, step_s=step, site=at, ledger=ledger, host=host,
        database=database or secret("DATABASE"), telemetry_port=telemetry_port, telemetry_form=telemetry_format,
        telemetry_to=telemetry_to, command_port=command_port, command_user=command_user, uplink_to=uplink,
        nats=nats, xtce=xtce,
    )  # fmt: skip
    bound = listening(host, port)
    with bound:
        mission = MissionControl(load_plan(plan), data, options)
        serve_mission(
            mission,
            settings,
            bound,
            listens=lambda address: typer.echo(f"{address} (stop with Ctrl-C)"),
            ready=lambda: _tell(mission, data),
        )


def _oidc(issuer: str | None, client: str | None, claim: str) -> Oidc | None:
    """Single sign-on, if it is asked for."""
    from moonpost.control.settings import Oidc, secret
    from moonpost.errors import InputError

    if issuer is None and client is None:
        return None
    if issuer is None or client is None:
        raise InputError(
            "one of two is missing", where="single sign-on", advice="give --oidc-issuer and --oidc-client"
        )
    return Oidc(issuer, client, secret("OIDC_SECRET") or "", claim)


def _tell(mission: MissionControl, data: Path) -> None:
    """Tell ports, and how to let people in."""
    outside = mission.outside
    for name, number in (
        ("telemetry", outside.telemetry_port if outside else None),
        ("commands", outside.command_port if outside else None),
    ):
        if number is not None:
            typer.echo(f"{name}: {mission.options.host}:{number}", err=True)
    if not mission.users.list():
        partner = mission.plan.partners[0].id
        typer.echo(
            "nobody can log in yet; add somebody: "
            f"moonpost control user add NAME --data {data} --partner {partner} --role operator",
            err=True,
        )
