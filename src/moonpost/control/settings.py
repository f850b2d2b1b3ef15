"""What the operator of the server decides, with secrets from the environment or from files only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moonpost.errors import DataError, InputError

__all__ = ["Oidc", "Settings", "secret"]


@dataclass(frozen=True)
class Oidc:
    """Single sign-on by OpenID Connect.

    Parameters
    ----------
    issuer : str
        Address of the provider; its description is read from ``/.well-known/openid-configuration`` there.
    client_id : str
        What the provider calls this server.
    client_secret : str
        Shared with the provider; it is never printed.
    claim : str
        The claim that holds the name of a user on record here.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    claim: str = "preferred_username"


@dataclass(frozen=True)
class Settings:
    """How the server runs.

    Parameters
    ----------
    host : str
        Address to bind to; the default can be reached from this machine alone.
    port : int
        Port, 0 for any free one.
    tls_cert, tls_key : path-like or None
        PEM files of a certificate and its key; with both the server speaks TLS.
    idle_s : float
        A session that is not used for so long ends [s].
    age_s : float
        A session that is so old ends [s].
    body_bytes : int
        Largest body of a request [octets].
    rate_s : float
        Requests a second from one address [1/s]; ten seconds' worth may come at once.
    login_tries : int
        Wrong passwords of one account before each further try has to wait.
    oidc : Oidc or None
        Single sign-on, if it is wanted.
    static : path-like or None
        Folder of the built client; the package's own if absent.
    metrics_public : bool
        Whether ``/metrics`` answers without login to other machines as well.

    Examples
    --------
    >>> Settings().is_tls, Settings().host
    (False, '127.0.0.1')
    """

    host: str = "127.0.0.1"
    port: int = 8000
    tls_cert: Path | None = None
    tls_key: Path | None = None
    idle_s: float = 3600.0
    age_s: float = 12 * 3600.0
    body_bytes: int = 1_000_000
    rate_s: float = 100.0
    login_tries: int = 5
    oidc: Oidc | None = None
    static: Path | None = None
    metrics_public: bool = True

    def __post_init__(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise InputError(
                "one of certificate and key is missing", where="TLS", advice="give --tls-cert and --tls-key"
            )
        for path in (self.tls_cert, self.tls_key):
            if path is not None and not Path(path).is_file():
                raise DataError(
                    "is not there", where=str(path), advice="name PEM files of a certificate and its key"
                )

    @property
    def is_tls(self) -> bool:
        """Whether the server speaks TLS."""
        return self.tls_cert is not None


def secret(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """A secret from the environment: ``MOONPOST_NAME``, or the file that ``MOONPOST_NAME_FILE`` names.

    Parameters
    ----------
    name : str
        Such as ``OIDC_SECRET``.
    environment : mapping, optional
        Where to look; the process's own if absent.

    Returns
    -------
    str or None
        The secret without white space at its end; None if neither is set.

    Raises
    ------
    InputError
        If both are set.
    DataError
        If the file cannot be read or is empty.

    Examples
    --------
    >>> secret("OIDC_SECRET", {"MOONPOST_OIDC_SECRET": "s3cret"})
    's3cret'
    """
    known = os.environ if environment is None else environment
    variable = f"MOONPOST_{name}"
    value, file = known.get(variable), known.get(f"{variable}_FILE")
    if value and file:
        raise InputError("is given twice", where=variable, advice=f"set {variable} or {variable}_FILE, not both")
    if not file:
        return value.strip() if value else None
    try:
        found = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("cannot be read", where=file, advice=f"check {variable}_FILE and its rights") from error
    if not found:
        raise DataError("is empty", where=file, advice=f"write the secret into it, or unset {variable}_FILE")
    return found
