"""Yamcs 5.12 as a process beside ours: started with our XTCE, on loopback and free ports, ended by its own id."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_S = 90.0
FUTURE_S = 2_000_000_000  # times of packets may lie that far ahead of this machine's clock

_CORE = "org.yamcs."
_PREPROCESSOR = {
    "packetPreprocessorClassName": _CORE + "tctm.GenericPacketPreprocessor",
    "packetPreprocessorArgs": {
        "timestampOffset": 6, "seqCountOffset": 2,
        "timeEncoding": {"type": "CUC", "implicitPField": 0x1E, "epoch": "TAI"},
    },
}  # fmt: skip
_TM, _TC = {"stream": "tm_realtime"}, {"stream": "tc_realtime"}


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that nobody uses just now."""
    with socket.socket(socket.AF_INET, kind) as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@dataclass(frozen=True)
class Instance:
    """What one instance is told: its dictionary, and the ports of its links; links without a port are left out.

    Frames come to `frames_port` by UDP. It connects to `packets_port` and takes packets from there, and to
    `commands_port` and sends telecommands there, both by TCP.
    """

    name: str
    xtce: Path
    spacecraft: int = 171
    frames_port: int | None = None
    packets_port: int | None = None
    commands_port: int | None = None

    def links(self) -> list[dict[str, Any]]:
        """Its links."""
        frames = {
            "name": "frames", "class": _CORE + "tctm.ccsds.UdpTmFrameLink", "port": self.frames_port,
            "frameType": "TM", "spacecraftId": self.spacecraft, "frameLength": 1115, "errorDetection": "CRC16",
            "virtualChannels": [
                {"vcId": channel, "ocfPresent": False, "service": "PACKET", "maxPacketLength": 65542, **_TM,
                 **_PREPROCESSOR} for channel in range(7)
            ],
        }  # fmt: skip
        packets = {
            "name": "packets", "class": _CORE + "tctm.TcpTmDataLink", "host": "127.0.0.1",
            "port": self.packets_port, "packetInputStreamClassName": _CORE + "tctm.CcsdsPacketInputStream",
            "packetInputStreamArgs": {"maxPacketLength": 65542}, **_TM, **_PREPROCESSOR,
        }  # fmt: skip
        commands = {
            "name": "commands", "class": _CORE + "tctm.TcpTcDataLink", "host": "127.0.0.1",
            "port": self.commands_port,
            "commandPostprocessorClassName": _CORE + "tctm.pus.PusCommandPostprocessor",
            "commandPostprocessorArgs": {"errorDetection": {"type": "CRC-16-CCIIT"}}, **_TC,
        }  # fmt: skip
        return [link for link in (frames, packets, commands) if link["port"] is not None]

    def settings(self) -> dict[str, Any]:
        """All of its settings."""
        services = [
            {"class": _CORE + "archive.XtceTmRecorder"},
            {"class": _CORE + "parameterarchive.ParameterArchive",
             "args": {"realtimeFiller": {"enabled": True, "flushInterval": 1}, "backFiller": {"enabled": False},
                      "coverageEndDelta": FUTURE_S}},
            {"class": _CORE + "archive.ReplayServer"},
            {"class": _CORE + "ProcessorCreatorService", "args": {"name": "realtime", "type": "realtime"}},
            {"class": _CORE + "archive.CommandHistoryRecorder"},
        ]  # fmt: skip
        streams = {
            "tm": [{"name": "tm_realtime", "processor": "realtime"}],
            "tc": [{"name": "tc_realtime", "processor": "realtime"}],
            "cmdHist": ["cmdhist_realtime"], "event": ["events_realtime"], "param": ["pp_realtime"],
        }  # fmt: skip
        return {
            "services": services, "dataLinks": self.links(), "streamConfig": streams,
            "mdb": [{"type": "xtce", "args": {"file": str(self.xtce)}}],
        }  # fmt: skip


class Yamcs:
    """One server with some instances; a context manager."""

    def __init__(self, folder: Path, instances: Sequence[Instance], *, heap: str = "600m") -> None:
        self.folder, self.instances, self.heap = folder, tuple(instances), heap
        self.http_port = free_port()
        self.address = f"127.0.0.1:{self.http_port}"
        self.process: subprocess.Popen[bytes] | None = None
        etc = folder / "etc"
        etc.mkdir(parents=True)
        server = {
            "services": [{"class": _CORE + "http.HttpServer",
                          "args": {"address": "127.0.0.1", "port": self.http_port}}],
            "instances": [instance.name for instance in instances],
            "dataDir": str(folder / "data"), "secretKey": "of no use beyond this process",
        }  # fmt: skip
        realtime = {
            "services": [{"class": _CORE + name} for name in (
                "StreamTmPacketProvider", "StreamTcCommandReleaser", "tctm.StreamParameterProvider",
                "algorithms.AlgorithmManager", "parameter.LocalParameterManager")],
            "config": {"subscribeAll": True},
        }  # fmt: skip
        replay = {"services": [{"class": _CORE + "tctm.ReplayService"}]}
        retrieval = {**replay, "config": {"subscribeContainerArchivePartitions": False}}
        processors = {"realtime": realtime, "Archive": replay, "ArchiveRetrieval": retrieval}
        files = {"yamcs": server, "processor": processors}
        for instance in instances:
            shutil.copy(instance.xtce, etc / f"{instance.name}.xml")
            files[f"yamcs.{instance.name}"] = instance.settings()
        for name, content in files.items():
            (etc / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")

    def __enter__(self) -> Yamcs:
        import fprime_yamcs_bundle

        with (self.folder / "log.txt").open("wb") as log:
            self.process = subprocess.Popen(
                ["java", f"-Xmx{self.heap}", f"-Djava.io.tmpdir={self.folder}", "-cp",
                 f"{fprime_yamcs_bundle.LIB_DIR}/*", "org.yamcs.YamcsServer",
                 "--etc-dir", str(self.folder / "etc"), "--data-dir", str(self.folder / "data")],
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.folder,
                env={**os.environ, "HOME": str(self.folder)},
            )  # fmt: skip
        end = time.monotonic() + START_S
        while not all(self._runs(instance.name) for instance in self.instances):
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise RuntimeError(f"Yamcs did not start:\n{self.log()[-4000:]}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def log(self) -> str:
        """What it printed."""
        return (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")

    def get(self, path: str) -> Any:
        """Answer to a request."""
        with urllib.request.urlopen(f"http://{self.address}/api/{path}", timeout=20) as answer:
            return json.load(answer)

    def link(self, instance: str, name: str) -> dict[str, Any]:
        """State of a link."""
        return self.get(f"links/{instance}/{name}")  # type: ignore[no-any-return]

    def _runs(self, instance: str) -> bool:
        """Whether an instance runs."""
        try:
            return bool(self.get(f"instances/{instance}").get("state") == "RUNNING")
        except (urllib.error.URLError, OSError, ValueError):
            return False
