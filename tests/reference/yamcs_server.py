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
from pathlib import Path
from typing import Any

INSTANCE = "station"
START_S = 90.0
FUTURE_S = 2_000_000_000  # times of packets may lie that far ahead of this machine's clock

_CORE = "org.yamcs."
_CUC = {"type": "CUC", "implicitPField": 0x1E}


def free_ports(number: int, kind: int = socket.SOCK_STREAM) -> list[int]:
    """Ports that nobody uses just now."""
    held = [socket.socket(socket.AF_INET, kind) for _ in range(number)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Yamcs:
    """One server with one instance; a context manager.

    `packets_port` is a port of ours to which its TCP link connects, `commands` the address of ours to which its
    commands go by UDP. Frames go to `frames_port` by UDP.
    """

    def __init__(
        self,
        folder: Path,
        xtce: Path,
        *,
        packets_port: int,
        commands_port: int,
        spacecraft: int,
        heap: str = "600m",
    ) -> None:
        self.folder, self.heap = folder, heap
        (self.http_port,) = free_ports(1)
        (self.frames_port,) = free_ports(1, socket.SOCK_DGRAM)
        self.address = f"127.0.0.1:{self.http_port}"
        etc = folder / "etc"
        (etc / "mdb").mkdir(parents=True)
        shutil.copy(xtce, etc / "mdb" / "station.xml")
        preprocessor = {
            "packetPreprocessorClassName": _CORE + "tctm.GenericPacketPreprocessor",
            "packetPreprocessorArgs": {
                "timestampOffset": 6, "seqCountOffset": 2, "timeEncoding": {**_CUC, "epoch": "TAI"},
            },
        }  # fmt: skip
        tm, tc = {"stream": "tm_realtime"}, {"stream": "tc_realtime"}
        links = [
            {"name": "frames", "class": _CORE + "tctm.ccsds.UdpTmFrameLink", "port": self.frames_port,
             "frameType": "TM", "spacecraftId": spacecraft, "frameLength": 1115, "errorDetection": "CRC16",
             "virtualChannels": [{"vcId": 0, "ocfPresent": False, "service": "PACKET", "maxPacketLength": 65542,
                                  **tm, **preprocessor}]},
            {"name": "packets", "class": _CORE + "tctm.TcpTmDataLink", "host": "127.0.0.1", "port": packets_port,
             "packetInputStreamClassName": _CORE + "tctm.CcsdsPacketInputStream",
             "packetInputStreamArgs": {"maxPacketLength": 65542}, **tm, **preprocessor},
            {"name": "commands", "class": _CORE + "tctm.UdpTcDataLink", "host": "127.0.0.1", "port": commands_port,
             "commandPostprocessorClassName": _CORE + "tctm.pus.PusCommandPostprocessor",
             "commandPostprocessorArgs": {"errorDetection": {"type": "CRC-16-CCIIT"}}, **tc},
        ]  # fmt: skip
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
        instance = {
            "services": services, "dataLinks": links, "streamConfig": streams,
            "mdb": [{"type": "xtce", "args": {"file": str(etc / "mdb" / "station.xml")}}],
        }  # fmt: skip
        server = {
            "services": [{"class": _CORE + "http.HttpServer",
                          "args": {"address": "127.0.0.1", "port": self.http_port}}],
            "instances": [INSTANCE], "dataDir": str(folder / "data"), "secretKey": "of no use beyond this process",
        }  # fmt: skip
        realtime = {
            "services": [{"class": _CORE + name} for name in (
                "StreamTmPacketProvider", "StreamTcCommandReleaser", "tctm.StreamParameterProvider",
                "algorithms.AlgorithmManager", "parameter.LocalParameterManager")],
            "config": {"subscribeAll": True},
        }  # fmt: skip
        replay = {"services": [{"class": _CORE + "tctm.ReplayService"}]}
        processors = {
            "realtime": realtime,
            "Archive": replay,
            "ArchiveRetrieval": {**replay, "config": {"subscribeContainerArchivePartitions": False}},
        }
        for name, content in (("yamcs", server), (f"yamcs.{INSTANCE}", instance),
                              ("processor", processors)):  # fmt: skip
            (etc / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Yamcs:
        import fprime_yamcs_bundle

        log = (self.folder / "log.txt").open("wb")
        self.process = subprocess.Popen(
            ["java", f"-Xmx{self.heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4", "-Xshare:auto",
             f"-Djava.io.tmpdir={self.folder}", "-cp", f"{fprime_yamcs_bundle.LIB_DIR}/*", "org.yamcs.YamcsServer",
             "--etc-dir", str(self.folder / "etc"), "--data-dir", str(self.folder / "data")],
            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder)},
        )  # fmt: skip
        log.close()
        end = time.monotonic() + START_S
        while not self._running():
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

    def link(self, name: str) -> dict[str, Any]:
        """State of a link."""
        return self.get(f"links/{INSTANCE}/{name}")  # type: ignore[no-any-return]

    def _running(self) -> bool:
        """Whether its instance runs."""
        try:
            return bool(self.get(f"instances/{INSTANCE}").get("state") == "RUNNING")
        except (urllib.error.URLError, OSError, ValueError):
            return False
