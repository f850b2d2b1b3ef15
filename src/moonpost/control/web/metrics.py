"""Numbers for Prometheus: how the server fares, with nothing of any channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["Metrics"]

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_COUNTS = {
    "packets": ("packets", "Space packets that readers took from frames or streams."),
    "frames": ("frames", "Telemetry frames that were good."),
    "octets": ("octets", "Octets received."),
    "lost_octets": ("lost_octets", "Octets received that belonged to nothing."),
    "acknowledged": ("acknowledged_packets", "Packets that are on the disk."),
    "duplicates": ("duplicate_packets", "Packets that the archive had already."),
    "late": ("late_packets", "Packets older than what was shown of their channel."),
}


class Metrics:
    """What the server counts.

    Parameters
    ----------
    mission : MissionControl
        Whose ground is asked for its counts; it may have none.

    Examples
    --------
    >>> metrics = Metrics(None)
    >>> metrics.answered("GET", 200, 0.003)
    >>> 'moonpost_http_requests_total{method="GET",status="200"} 1.0' in metrics.text().decode()
    True
    """

    def __init__(self, mission: Any) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "moonpost_http_requests", "Requests answered.", ("method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "moonpost_http_seconds", "Time to answer a request.", registry=self._registry, buckets=_SECONDS
        )
        self._sockets = Gauge("moonpost_websockets", "Websockets that are open.", registry=self._registry)
        self._logins = Counter("moonpost_logins", "Tries to log in.", ("outcome",), registry=self._registry)
        self._registry.register(_Ingest(mission))
        self._registry.register(_Flight(mission))

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count a request.

        Parameters
        ----------
        method : str
            Of HTTP.
        status : int
            Of the answer.
        seconds : float
            How long it took [s].
        """
        self._requests.labels(method if method in _METHODS else "other", str(status)).inc()
        self._seconds.observe(seconds)

    def socket(self, step: int) -> None:
        """Count a websocket that opens or closes.

        Parameters
        ----------
        step : int
            1 or -1.
        """
        self._sockets.inc(step)

    def login(self, outcome: str) -> None:
        """Count a try to log in.

        Parameters
        ----------
        outcome : str
            ``right``, ``wrong`` or ``refused``.
        """
        self._logins.labels(outcome).inc()

    def text(self) -> bytes:
        """All numbers as Prometheus reads them.

        Returns
        -------
        bytes
        """
        return generate_latest(self._registry)


class _Ingest(Collector):
    """Counts of the ground at the moment they are asked for."""

    def __init__(self, mission: Any) -> None:
        self._mission = mission

    def collect(self) -> Iterator[Metric]:
        """Give the counts, if there is a ground."""
        ground = getattr(self._mission, "ground", None)
        if ground is None:
            return
        status = ground.status()
        for key, (name, text) in _COUNTS.items():
            if key in status:
                yield CounterMetricFamily(f"moonpost_telemetry_{name}", text, value=status[key])
        rejects = CounterMetricFamily(
            "moonpost_telemetry_rejects", "What was received and not taken, by cause.", labels=("cause",)
        )
        for cause, number in sorted(status.get("rejects", {}).items()):
            rejects.add_metric((str(cause),), number)
        yield rejects
        missing = sum(status.get("missing", {}).values())
        yield CounterMetricFamily(
            "moonpost_telemetry_missing", "Packets and frames that never came.", value=missing
        )
        full = 1.0 if status.get("full_since") else 0.0
        yield GaugeMetricFamily(
            "moonpost_disk_full", "1 while telemetry cannot be kept, for whatever cause.", value=full
        )
        yield GaugeMetricFamily(
            "moonpost_archive_damage",
            "Places of the archive that are not as they were written.",
            value=status.get("damage", {}).get("places", 0),
        )
        yield GaugeMetricFamily(
            "moonpost_telemetry_sources", "Sources that sent telemetry.", value=len(status.get("sources", {}))
        )


class _Flight(Collector):
    """How the clock and the live values of a mission fare at the moment they are asked for."""

    def __init__(self, mission: Any) -> None:
        self._mission = mission

    def collect(self) -> Iterator[Metric]:
        """Give them, if there is a mission that flies."""
        outside = getattr(self._mission, "outside", None)
        if outside is not None:
            ports = CounterMetricFamily("moonpost_port", "What ports counted.", labels=("port", "what"))
            for port, counts in outside.status().items():
                for what, number in counts.items():
                    if what not in ("clients", "trouble"):
                        ports.add_metric((port, what), number)
            yield ports
        ticker, hub = getattr(self._mission, "ticker", None), getattr(self._mission, "hub", None)
        if ticker is None or hub is None:
            return
        clients = list(hub.clients)
        thinned = hub.counts["thinned_values"] + sum(client.thinned_values for client in clients)
        for name, text, value in (
            ("moonpost_speed", "Simulated seconds for each second.", self._mission.clock.speed),
            ("moonpost_behind_seconds", "Simulated time by which telemetry lags the clock.", ticker.behind_s),
            ("moonpost_live_clients", "Websockets that are sent live values.", len(clients)),
        ):
            yield GaugeMetricFamily(name, text, value=value)
        for name, text, value in (
            (
                "moonpost_mission_failures",
                "Moves of the station, and jobs beside it, that failed.",
                ticker.failures,
            ),
            ("moonpost_live_values", "Values handed out, each once whoever asked for it.", hub.counts["values"]),
            ("moonpost_live_thinned", "Values that clients did not get because they read too slowly.", thinned),
            ("moonpost_live_stalled", "Clients let go because they read nothing.", hub.counts["stalled_clients"]),
        ):
            yield CounterMetricFamily(name, text, value=value)
