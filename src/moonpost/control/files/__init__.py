"""Files over the link: data products sent by the file delivery protocol, acknowledged and checked."""

from __future__ import annotations

from moonpost.control.files.link import Link, UdpLink
from moonpost.control.files.receiving import FileReceiver, ReceivedFile, receive_files
from moonpost.control.files.sending import FileSender, Progress, send_file

__all__ = [
    "FileReceiver",
    "FileSender",
    "Link",
    "Progress",
    "ReceivedFile",
    "UdpLink",
    "receive_files",
    "send_file",
]
