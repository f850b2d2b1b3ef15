"""Who is logged in: random tokens of which only the hash is kept, with an end by idleness and by age."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Float, String, Table, delete, insert, select, update

from moonpost.control.database import TABLES, Database
from moonpost.control.users import User, Users

__all__ = ["Session", "Sessions", "end_sessions"]

_SESSIONS = Table(
    "sessions",
    TABLES,
    Column("digest", String(64), primary_key=True),
    Column("name", String(64), nullable=False, index=True),
    Column("created_wall_s", Float, nullable=False),
    Column("seen_wall_s", Float, nullable=False),
)
_NOTE_S = 60.0
_MOST_EACH = 20


@dataclass(frozen=True)
class Session:
    """A user who is logged in, and what a page has to show to change anything.

    Parameters
    ----------
    user : User
        Who it is.
    csrf : str
        What the header ``X-CSRF-Token`` has to hold in requests that change something.
    expires_wall_s : float
        When it ends whatever happens, in seconds since 1970 by the clock on the wall [s].
    """

    user: User
    csrf: str
    expires_wall_s: float


class Sessions:
    """Sessions in a database.

    Parameters
    ----------
    database : Database
        Where they are kept, so that they outlast a restart of the server.
    users : Users
        Whom they are of.
    idle_s : float
        A session that is not used for so long ends [s].
    age_s : float
        A session that is so old ends [s].
    wall : callable
        Gives the time by the clock on the wall [s].

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Database.open(folder + "/control.sqlite") as database:
    ...     users = Users(database)
    ...     _ = users.add("wang", "cnsa", ["operator"])
    ...     sessions = Sessions(database, users)
    ...     token = sessions.begin("wang")
    ...     name = sessions.check(token).user.name
    ...     sessions.end(token)
    ...     name, sessions.check(token)
    ('wang', None)
    """

    def __init__(
        self,
        database: Database,
        users: Users,
        *,
        idle_s: float = 3600.0,
        age_s: float = 12 * 3600.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._users = database, users
        self.idle_s, self.age_s, self._wall = idle_s, age_s, wall
        database.create()

    def begin(self, name: str) -> str:
        """Begin a session of a user whose password was right.

        Parameters
        ----------
        name : str
            The user.

        Returns
        -------
        str
            The token: 256 random bits, for the user's cookie alone.
        """
        token, now = secrets.token_urlsafe(32), self._wall()
        row = {"digest": _digest(token), "name": name, "created_wall_s": now, "seen_wall_s": now}
        table = _SESSIONS.c
        with self._database.write() as connection:
            over = (table.created_wall_s < now - self.age_s) | (table.seen_wall_s < now - self.idle_s)
            connection.execute(delete(_SESSIONS).where(over))
            held = select(table.digest).where(table.name == name).order_by(table.seen_wall_s.desc())
            oldest = connection.execute(held).scalars().all()[_MOST_EACH - 1 :]
            connection.execute(delete(_SESSIONS).where(table.digest.in_(oldest)))
            connection.execute(insert(_SESSIONS).values(row))
        return token

    def check(self, token: str | None) -> Session | None:
        """The session of a token, if it has not ended and its user is not disabled.

        Parameters
        ----------
        token : str or None
            As the browser sent it.

        Returns
        -------
        Session or None
        """
        if not token or len(token) > 128:
            return None
        digest, now = _digest(token), self._wall()
        with self._database.read() as connection:
            row = connection.execute(select(_SESSIONS).where(_SESSIONS.c.digest == digest)).one_or_none()
        if row is None or now >= row.created_wall_s + self.age_s or now >= row.seen_wall_s + self.idle_s:
            return None
        user = self._users.find(row.name)
        if user is None:
            return None
        if now - row.seen_wall_s > min(_NOTE_S, self.idle_s / 4):
            with self._database.write() as connection:
                connection.execute(update(_SESSIONS).where(_SESSIONS.c.digest == digest).values(seen_wall_s=now))
        return Session(user, _csrf(token), row.created_wall_s + self.age_s)

    def end(self, token: str) -> None:
        """End one session.

        Parameters
        ----------
        token : str
            Its token.
        """
        with self._database.write() as connection:
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.digest == _digest(token)))


def end_sessions(connection: Connection, user: str) -> None:
    """End all sessions of a user, within a transaction.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of `Database.write`.
    user : str
        The user.
    """
    connection.execute(delete(_SESSIONS).where(_SESSIONS.c.name == user))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _csrf(token: str) -> str:
    """A value that only this session has, and from which its token cannot be found."""
    return hmac.new(token.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()
