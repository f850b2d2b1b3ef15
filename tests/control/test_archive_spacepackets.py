"""From a simulated channel over packets and frames into the archive and out again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from moonpost.control.archive import Archive, archive_decoder, archive_packets, rebuild, verify
from moonpost.control.packets import (
    Decoder,
    FrameLayout,
    FrameReader,
    FrameWriter,
    encode_packets,
    read_xtce,
    station_dictionary,
    write_xtce,
)
from moonpost.operations.channels import Channel


def test_what_is_sent_in_frames_is_found_in_the_archive(tmp_path: Path) -> None:
    dictionary = station_dictionary([Channel("station.shed_w", "W", None, 0.0, "Shed load.")])
    number = np.arange(500)
    made = np.datetime64("2030-01-01", "us") + number * 1_000_000
    values = {"station.shed_w": np.sin(number)}
    sent = encode_packets(dictionary, "station", values, made)
    layout = FrameLayout(spacecraft=171)
    writer = FrameWriter(layout)
    octets = writer.write(sent) + writer.flush()
    write_xtce(dictionary, tmp_path / "station.xml")
    decoder = Decoder(read_xtce(tmp_path / "station.xml"))
    reader = FrameReader(layout)
    with Archive.open(tmp_path / "a", archive_decoder(decoder)) as archive:
        for begin in range(0, len(octets), 3000):
            received = reader.read(octets[begin : begin + 3000]).packets
            assert archive.append(archive_packets(received, decoder, "2030-01-01T01:00Z")).acknowledged
        live = archive.query("station.shed_w", "2030-01-01", "2030-01-02")
        assert archive.status.undecoded == 0
    assert live.gaps == ()
    assert live.time.tolist() == made.tolist()
    assert live.value.tolist() == Decoder(dictionary).columns(sent)["station.shed_w"].tolist()
    np.testing.assert_allclose(live.value, values["station.shed_w"], rtol=1e-6, atol=1e-7)
    assert verify(tmp_path / "a").is_sound
    assert rebuild(tmp_path / "a", archive_decoder(decoder)).packets == 500
    with Archive.open(tmp_path / "a", archive_decoder(decoder)) as archive:
        again = archive.query("station.shed_w", "2030-01-01", "2030-01-02")
    assert again.value.tobytes() == live.value.tobytes()
