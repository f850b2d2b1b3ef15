"""Who may log in: names, partners, roles and the hashes of passwords."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Column, Float, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from moonpost.control.database import TABLES, Database
from moonpost.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from argon2 import PasswordHasher
    from sqlalchemy import Row

__all__ = ["ROLES", "Account", "User", "Users"]

ROLES = ("operator", "approver", "scientist", "programme", "admin")
"""What a user can be, in any combination; the policy file says what each may do."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_PARTNER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SHORTEST, _LONGEST = 12, 1024
_AT_ONCE = 4  # checks of passwords at a time: each takes 64 MiB

_USERS = Table(
    "users",
    TABLES,
    Column("name", String(64), primary_key=True),
    Column("partner", String(64), nullable=False),
    Column("roles", String(256), nullable=False),
    Column("password", String(256)),
    Column("disabled", Boolean, nullable=False),
    Column("created_wall_s", Float, nullable=False),
    Column("changed_wall_s", Float, nullable=False),
)


@dataclass(frozen=True)
class User:
    """Somebody who is logged in.

    Parameters
    ----------
    name : str
        The name for logging in.
    partner : str
        Identifier of the partner in the plan for whom the user acts.
    roles : frozenset of str
        Of `ROLES`.
    """

    name: str
    partner: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Account:
    """A user on record.

    Parameters
    ----------
    user : User
        Name, partner and roles.
    disabled : bool
        Whether it is shut; then nobody can log in with it.
    has_password : bool
        Whether it has a password; without one it is for single sign-on only.
    """

    user: User
    disabled: bool
    has_password: bool


class Users:
    """The users on record in a database.

    Parameters
    ----------
    database : Database
        Where they are kept; its tables are made if need be.
    hasher : argon2.PasswordHasher, optional
        How passwords are hashed; Argon2id with the package's own costs (RFC 9106) if absent.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Database.open(folder + "/control.sqlite") as database:
    ...     users = Users(database)
    ...     first = users.add("wang", "cnsa", ["operator"])
    ...     users.check("wang", first), users.check("wang", "a guess")
    (User(name='wang', partner='cnsa', roles=frozenset({'operator'})), None)
    """

    def __init__(self, database: Database, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._given = hasher
        self._few = threading.BoundedSemaphore(_AT_ONCE)
        import_module("moonpost.control.web.sessions")  # its table goes with this one: changes end sessions
        database.create()

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return self._given or PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        """A hash that no password fits, checked for names that do not exist so that these take as long."""
        return self._hasher.hash(secrets.token_hex(32))

    def add(
        self, name: str, partner: str, roles: Iterable[str], password: str | None = None, *, sso: bool = False
    ) -> str:
        """Put a user on record.

        Parameters
        ----------
        name : str
            Lower-case letters, digits and ``. _ @ -``, at most 64.
        partner : str
            Identifier of a partner of the plan.
        roles : iterable of str
            One or more of `ROLES`.
        password : str, optional
            At least 12 characters; a random one is made if absent.
        sso : bool
            Gives no password: the user comes by single sign-on only.

        Returns
        -------
        str
            The password, to be shown once; empty with `sso`.

        Raises
        ------
        InputError
            If the name is taken, or a name, role or password cannot be used.
        """
        _well_formed(name, partner)
        wanted = _known_roles(roles)
        first = "" if sso else password if password is not None else secrets.token_urlsafe(15)
        hashed = None if sso else self._hash(first)
        now = time.time()
        row = {
            "name": name, "partner": partner, "roles": wanted, "password": hashed, "disabled": False,
            "created_wall_s": now, "changed_wall_s": now,
        }  # fmt: skip
        try:
            with self._database.write() as connection:
                connection.execute(insert(_USERS).values(row))
        except IntegrityError as error:
            raise InputError("is taken", where=f"user {name!r}", advice="choose another name") from error
        return first

    def check(self, name: str, password: str) -> User | None:
        """The user, if the name is on record, not disabled, and the password is right.

        Parameters
        ----------
        name, password : str
            As typed.

        Returns
        -------
        User or None
            None for anything wrong, after the same work whether the name exists or not.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        row = self._row(name) if _NAME.fullmatch(name) else None
        usable = row is not None and not row.disabled and row.password is not None
        tried = password if len(password) <= _LONGEST else ""
        hashed = row.password if usable and row is not None else self._nobody
        try:
            with self._few:
                self._hasher.verify(hashed, tried.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return None
        if not usable or row is None:
            return None
        if self._hasher.check_needs_rehash(hashed):
            self._change(name, password=self._hash(tried))
        return _user(row)

    def find(self, name: str) -> User | None:
        """The user of this name, if on record and not disabled.

        Parameters
        ----------
        name : str
            The name for logging in.

        Returns
        -------
        User or None
        """
        row = self._row(name) if _NAME.fullmatch(name) else None
        return None if row is None or row.disabled else _user(row)

    def list(self) -> tuple[Account, ...]:
        """All users on record, by name.

        Returns
        -------
        tuple of Account
        """
        with self._database.read() as connection:
            rows = connection.execute(select(_USERS).order_by(_USERS.c.name)).all()
        return tuple(Account(_user(row), row.disabled, row.password is not None) for row in rows)

    def disable(self, name: str, disabled: bool = True) -> None:
        """Shut a user out, at once and everywhere, or let the user in again.

        Parameters
        ----------
        name : str
            The user.
        disabled : bool
            False lets the user in again.

        Raises
        ------
        UnknownNameError
            If there is no such user.
        """
        self._change(name, disabled=disabled)

    def set_password(self, name: str, password: str | None = None) -> str:
        """Give a user another password; sessions of the old one end.

        Parameters
        ----------
        name : str
            The user.
        password : str, optional
            At least 12 characters; a random one is made if absent.

        Returns
        -------
        str
            The password.

        Raises
        ------
        InputError
            If it is too short or too long.
        UnknownNameError
            If there is no such user.
        """
        wanted = password if password is not None else secrets.token_urlsafe(15)
        self._change(name, password=self._hash(wanted))
        return wanted

    def _hash(self, password: str) -> str:
        if not _SHORTEST <= len(password) <= _LONGEST:
            raise InputError(
                f"has {len(password)} characters",
                where="password",
                advice=f"take {_SHORTEST} to {_LONGEST}: several words are easy to remember",
            )
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def _row(self, name: str) -> Row[tuple[object, ...]] | None:
        with self._database.read() as connection:
            return connection.execute(select(_USERS).where(_USERS.c.name == name)).one_or_none()

    def _change(self, name: str, **values: object) -> None:
        """Change a user and end all sessions."""
        from moonpost.control.web.sessions import end_sessions

        with self._database.write() as connection:
            known = connection.execute(select(_USERS.c.name)).scalars().all()
            if name not in known:
                raise UnknownNameError(name, known, kind="user")
            changed = {**values, "changed_wall_s": time.time()}
            connection.execute(update(_USERS).where(_USERS.c.name == name).values(changed))
            end_sessions(connection, name)


def _user(row: Row[tuple[object, ...]]) -> User:
    return User(str(row.name), str(row.partner), frozenset(json.loads(str(row.roles))))


def _well_formed(name: str, partner: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            "is no name for a user",
            where=repr(name),
            advice="take lower-case letters, digits and . _ @ -, at most 64, beginning with a letter or digit",
        )
    if not _PARTNER.fullmatch(partner):
        raise InputError(
            "is no identifier of a partner", where=repr(partner), advice="take one of the plan, such as cnsa"
        )


def _known_roles(roles: Iterable[str]) -> str:
    wanted = sorted(set(roles))
    for role in wanted:
        if role not in ROLES:
            raise UnknownNameError(role, ROLES, kind="role")
    if not wanted:
        raise InputError("no role is given", where="roles", advice=f"give one or more of {', '.join(ROLES)}")
    return json.dumps(wanted)
