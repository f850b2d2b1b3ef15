"""Signing keys of parties: made, kept outside plan and ledger, and known by a short identifier."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from moonpost.errors import DataError, InputError, OutputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["PartyKey", "key_folder", "key_id", "load_key", "new_key", "save_key", "signature_holds"]

_DOMAIN = b"moonpost ledger 1\n"
_PUBLIC = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True)
class PartyKey:
    """The key with which a party signs.

    Parameters
    ----------
    party : str
        Identifier of the partner.
    public : str
        Public part of the Ed25519 key, 64 hexadecimal digits.
    private : Ed25519PrivateKey
        The secret part; never printed.

    Examples
    --------
    >>> key = new_key("cnsa")
    >>> signature_holds(key.public, b"text", key.sign(b"text"))
    True
    """

    party: str
    public: str
    private: Ed25519PrivateKey = field(repr=False, compare=False)

    def sign(self, message: bytes) -> str:
        """Signature of a message, 128 hexadecimal digits.

        Parameters
        ----------
        message : bytes
            What is signed; a fixed prefix keeps it from being taken for anything else.

        Returns
        -------
        str
        """
        return self.private.sign(_DOMAIN + message).hex()


def key_id(public: str) -> str:
    """Short identifier of a public key: the first 16 digits of its SHA-256.

    Parameters
    ----------
    public : str
        64 hexadecimal digits.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If it is no public key.

    Examples
    --------
    >>> key_id("00" * 32)
    '66687aadf862bd77'
    """
    if not isinstance(public, str) or not _PUBLIC.fullmatch(public):
        raise InputError("is not 64 hexadecimal digits", where="public key", advice="give an Ed25519 public key")
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def signature_holds(public: str, message: bytes, signature: str) -> bool:
    """Whether a signature is that of a message under a public key.

    Parameters
    ----------
    public, signature : str
        Hexadecimal digits, 64 and 128; anything else does not hold.
    message : bytes
        What was signed.

    Returns
    -------
    bool

    Examples
    --------
    >>> signature_holds("00" * 32, b"", "11" * 64)
    False
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not (_PUBLIC.fullmatch(public) and _SIGNATURE.fullmatch(signature)):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(
            bytes.fromhex(signature), _DOMAIN + message
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def new_key(party: str) -> PartyKey:
    """Make a key for a party from the system's random numbers.

    Parameters
    ----------
    party : str
        Identifier of the partner.

    Returns
    -------
    PartyKey

    Examples
    --------
    >>> len(new_key("roscosmos").public)
    64
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return _of(party, Ed25519PrivateKey.generate())


def _of(party: str, private: Ed25519PrivateKey) -> PartyKey:
    return PartyKey(party, private.public_key().public_bytes_raw().hex(), private)


def key_folder() -> Path:
    """Where keys are kept unless told otherwise: ``$MOONPOST_KEYS``, or ``~/.moonpost/keys``.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> key_folder().name
    'keys'
    """
    named = os.environ.get("MOONPOST_KEYS", "")
    return Path(named) if named else Path.home() / ".moonpost" / "keys"


def save_key(key: PartyKey, folder: str | os.PathLike[str]) -> Path:
    """Write a key into a folder, readable by its owner alone; an existing key is never overwritten.

    Parameters
    ----------
    key : PartyKey
        The key.
    folder : path-like
        Outside the plan's folder and any repository.

    Returns
    -------
    pathlib.Path
        ``PARTY-KEYID.pem`` in the folder.

    Raises
    ------
    OutputError
        If it cannot be written, or is there already.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     key = new_key("cnsa")
    ...     load_key(save_key(key, place)).public == key.public
    True
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = Path(folder) / f"{key.party}-{key_id(key.public)}.pem"
    text = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = "is there already" if isinstance(error, FileExistsError) else f"cannot write: {error.strerror}"
        raise OutputError(reason, where=str(path), advice="choose another folder for keys") from error
    return path


def load_key(path: str | os.PathLike[str], party: str | None = None) -> PartyKey:
    """Read a party's key.

    Parameters
    ----------
    path : path-like
        A PEM file as `save_key` writes it.
    party : str, optional
        Whose it is; from the file's name if not given.

    Returns
    -------
    PartyKey

    Raises
    ------
    DataError
        If there is no such file, or it holds no Ed25519 key.

    Examples
    --------
    >>> load_key("nowhere.pem")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.pem: cannot read the key: No such file or directory; name a key's PEM file
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    file = Path(path)
    try:
        private = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise DataError(
            f"cannot read the key: {error.strerror}", where=str(path), advice="name a key's PEM file"
        ) from error
    except (ValueError, TypeError) as error:
        raise DataError("holds no readable key", where=str(path), advice="name a key's PEM file") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise DataError("holds a key of another kind", where=str(path), advice="name an Ed25519 key")
    return _of(party or file.stem.rpartition("-")[0] or file.stem, private)
