"""Commands with the station in the loop: looked ahead, sent, carried out, verified by its own reports."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.control.commands import CommandRefusedError
from moonpost.control.mission import MissionControl
from moonpost.control.packets.telecommands import encode_command

PASSWORD = "a first password"


def fly(mission: MissionControl, hours: float) -> None:
    """Move a mission on by hand, without its thread."""
    until = mission.ticker.reached + np.timedelta64(round(hours * 3600), "s")
    mission.clock.restart(until)
    while mission.ticker.reached < until:
        assert mission.ticker.move()
    mission.commanding.tick()


@pytest.fixture(scope="module")
def mission(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commanded")
    with MissionControl.open("ilrs", folder, speed=0.01, start="2040-06-22", days=2.0, step_s=600.0) as made:
        people = {"li": ("cnsa", ["operator"]), "wu": ("cnsa", ["approver"]), "olga": ("roscosmos", ["approver"])}
        for name, (partner, roles) in people.items():
            made.users.add(name, partner, roles, PASSWORD)
        fly(made, 1.0)
        yield made


def test_a_hazardous_command_is_carried_out_and_verified(mission):
    desk = mission.commanding
    command = desk.request("li", "research-laboratory.inhibit-waking", {})
    assert (command.state, command.needed) == ("waiting", ("roscosmos",))
    with pytest.raises(CommandRefusedError, match="needs a person of roscosmos"):
        desk.approve("wu", command.id, command.digest)
    desk.approve("olga", command.id, command.digest)
    assert desk.release("li", command.id).sent
    fly(mission, 1.0)
    done = desk.command(command.id)
    assert done.state == "completed", done.stages
    assert [one.state for one in done.stages][-3:] == ["accepted", "started", "completed"]


def test_what_would_put_a_machine_to_sleep_for_good_needs_its_waking_on_board(mission):
    desk, name = mission.commanding, "research-laboratory"
    refused = desk.request("li", f"{name}.sleep", {})
    assert refused.state == "refused"
    assert refused.reasons[0].startswith(f"{name} would not work again from 2040-06-22")
    wake = desk.request("li", f"{name}.wake", {}, at=mission.clock.now() + np.timedelta64(3, "h"))
    assert wake.state == "approved", wake.reasons
    desk.release("li", wake.id)
    fly(mission, 0.5)
    assert [one.id for one in desk.onboard()] == [wake.id]
    sleep = desk.request("li", f"{name}.sleep", {})
    assert sleep.state == "approved", sleep.reasons
    desk.release("li", sleep.id)
    fly(mission, 0.5)
    assert desk.command(sleep.id).state == "completed"
    fly(mission, 3.0)
    assert desk.command(wake.id).state == "completed", desk.command(wake.id).stages
    assert desk.onboard() == ()


def test_silence_is_refused_whoever_asks_and_however_it_is_wrapped(mission):
    desk, name = mission.commanding, "station-communications.transmitter-off"
    soon = mission.clock.now() + np.timedelta64(1, "h")
    packet = encode_command(desk.dictionary, name, {}, 9000)
    for command in (
        desk.request("li", name, {}),
        desk.request("li", name, {}, at=soon),
        desk.receive(packet, "li"),
    ):
        assert command.state == "refused"
        assert any("would be silent" in reason for reason in command.reasons)
