"""What has flown before: successes of attempts, and how sure they make the next one."""

from __future__ import annotations

from dataclasses import dataclass

from moonpost.errors import InputError

__all__ = ["FIRST_FLIGHTS", "LANDING_RECORD", "ORBIT_RECORD", "Record", "record_of"]


@dataclass(frozen=True)
class Record:
    """Successes of attempts, as a law of the rate behind them.

    Parameters
    ----------
    successes, trials : int
        Attempts that succeeded, and all attempts.
    source : str
        Where they were counted.
    prior : tuple of float
        Weights of a success and of a failure before any attempt; a half each after Jeffreys.

    Raises
    ------
    InputError
        If the numbers make no record.

    Notes
    -----
    With a Beta prior the rate follows a Beta law after the attempts, with ``successes + prior[0]`` and
    ``trials - successes + prior[1]``. The chance of the next attempt is its mean. Two attempts of one family
    share the rate: they fail together more often than the product of their chances says.

    References
    ----------
    Jeffreys, H. (1946), An invariant form for the prior probability in estimation problems, Proc. R. Soc. A 186,
    453-461, doi:10.1098/rspa.1946.0056.

    Examples
    --------
    >>> Record(4, 4, "counted here").mean
    0.9
    """

    successes: int
    trials: int
    source: str
    prior: tuple[float, float] = (0.5, 0.5)

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.trials:
            raise InputError(
                f"{self.successes} of {self.trials}",
                where="record",
                advice="give attempts of which some succeeded",
            )
        if not (min(self.prior) > 0.0 and sum(self.prior) < 1e6):
            raise InputError(f"is {self.prior}", where="prior", advice="give two positive weights")

    @property
    def alpha(self) -> float:
        """First number of the Beta law."""
        return self.successes + self.prior[0]

    @property
    def beta(self) -> float:
        """Second number of the Beta law."""
        return self.trials - self.successes + self.prior[1]

    @property
    def mean(self) -> float:
        """Chance that the next attempt succeeds [1]."""
        return self.alpha / (self.alpha + self.beta)

    def bounds(self, share: float = 0.9) -> tuple[float, float]:
        """Bounds between which the rate lies with a probability.

        Parameters
        ----------
        share : float
            That probability [1].

        Returns
        -------
        low, high : float
            [1]
        """
        from scipy.stats import beta

        low, high = beta.ppf([0.5 - 0.5 * share, 0.5 + 0.5 * share], self.alpha, self.beta)
        return float(low), float(high)


def record_of(records: dict[str, Record], country: str | None) -> Record:
    """The record of a country, or of all together where it has none.

    Parameters
    ----------
    records : dict of str to Record
        By ISO 3166 code.
    country : str or None
        The code.

    Returns
    -------
    Record

    Examples
    --------
    >>> record_of(LANDING_RECORD, "CN").trials
    4
    >>> record_of(LANDING_RECORD, None).trials == sum(row.trials for row in LANDING_RECORD.values())
    True
    """
    if country in records:
        return records[country]
    rows = list(records.values())
    names = " and ".join(sorted(records))
    return Record(
        sum(row.successes for row in rows), sum(row.trials for row in rows), f"records of {names} together"
    )


LANDING_RECORD = {
    "CN": Record(4, 4, "Chang'e 3, 4, 5 and 6 landed"),
    "RU": Record(7, 11, "Luna 9, 13, 16, 17, 20, 21, 24 of eleven from Luna 9 to Luna 25; Luna 23 landed damaged"),
}
"""Soft landings on the Moon by country. Luna 4 to 8, before the first soft landing of any, are left out."""

ORBIT_RECORD = {
    "CN": Record(5, 5, "Queqiao, Chang'e 3, 5 and 6, Queqiao-2 braked into their orbits"),
    "RU": Record(6, 6, "Luna 10, 11, 12, 14, 19 and 22 orbited"),
}
"""Arrivals in lunar orbit by country; of landers only those whose braking is dated."""

FIRST_FLIGHTS = Record(
    0,
    0,
    "first two flights of new launchers fail in 1/3 and 1/4 of cases (Guikema and Paté-Cornell 2005, "
    "doi:10.1016/j.ress.2004.06.001)",
    prior=(2.0, 1.0),
)
"""A launcher of which no flight is known. Its mean is 2/3, and 3/4 after one success, as that paper found."""
