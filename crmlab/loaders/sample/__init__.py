"""A whole history of customers, made up, with everything that was planted in it on record."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from pathlib import Path
from typing import Any

from crmlab.errors import ParameterError, did_you_mean
from crmlab.settings import LANGUAGES

KINDS = ("shop", "library")
_FEWEST = 10


def sample(
    customers: int = 1000,
    seed: int = 1,
    language: str = "en",
    kind: str = "shop",
    polluted: bool = False,
) -> dict[str, Any]:
    """Two years of a customer history, 2023 and 2024, made up by known rules.

    Parameters
    ----------
    customers
        Number of persons, at least 10. About eight in a hundred of them stand in the table of
        customers twice, rarely three times, with errors.
    seed
        Same seed, same history.
    language
        ``"en"`` (a shop in Britain, euros) or ``"fa"`` (a shop in Iran, rials).
    kind
        ``"shop"``, with every table of the contract, or ``"library"``: patrons (customers),
        loans (orders) and titles (products).
    polluted
        If False, tables are clean and obey the contract. If True, cells are the text that
        `write_sample` writes, dirt and all, and the truth has ``"dirt"``.

    Returns
    -------
    dict
        Table name to frame, and ``"truth"``: a dict of frames.

        customers
            Per customer record: `person_id`, `segment`, `lambda_per_week`, `dropout_probability`,
            `acquired_at`, `dropped_out_at` (missing if alive at the end), and for a shop
            `mean_spend` (expected amount of an order, minor units). A person's records are alike.
        segments
            `share` of persons; BG/NBD parameters `r`, `alpha` (weeks), `a`, `b`; further behaviour.
        duplicates
            Per second or third record: `customer_id`, `person_id`, `errors`.
        affinity
            `product_id`, `added_product_id` and the `probability` that it is added.
        orders
            `order_id`, `origin`: ``"purchase process"`` (BG/NBD), ``"campaign"``, ``"anomaly"``
            or ``"return"``.
        tickets, departments
            `topic` of each complaint; burden and speed of each department, and which is bad.
        pipeline, stages
            `win_rate` per member of staff; mean days in each stage.
        drivers, satisfaction, response
            Weights of the drivers in overall satisfaction; effects of the bad touch point, the
            bad department and the dip, in standard deviations; share of surveys answered.
        campaign_effects, arm_effects
            Per customer addressed: `probability_without_contact` of a purchase, and the `effect`
            of its own arm, or of every arm, on that probability.
        anomalies
            `kind`, `table`, `key`, `first_day`, `last_day`, `description`.
        dirt
            Per spoilt cell: `table`, `row` (of the file, from 1), `column` (``*`` for a line),
            `clean`, `dirty`, `kind`, `repairable`.

    Raises
    ------
    ParameterError
        In one sentence, if an argument is none of these.

    Examples
    --------
    >>> history = sample(customers=20, seed=7)
    >>> history["truth"]["customers"]["person_id"].nunique()
    20
    >>> sample(customers=20, seed=7)["orders"].equals(history["orders"])
    True
    """
    tables, truth = _made(customers, seed, language, kind, polluted, _silent)
    return {**tables, "truth": truth}


def write_sample(
    folder: str | Path,
    customers: int = 1000,
    seed: int = 1,
    language: str = "en",
    kind: str = "shop",
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Write a sample as a workspace: polluted source files, ``truth/*.csv`` and ``crmlab.toml``.

    The same arguments give the same bytes in every file. All files are written, or none.

    Parameters
    ----------
    folder
        Where to; made if need be.
    customers, seed, language, kind
        As `sample` takes them.
    progress
        Called with the name of each part before it is made, and of each file before it is written.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ParameterError
        If an argument is wrong, or the folder holds a workspace or a file of the same name.
    WorkspaceError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = write_sample(Path(tempfile.mkdtemp(), "loans"), 10, kind="library")
    >>> sorted(path.name for path in folder.iterdir())
    ['crmlab.toml', 'loans.csv', 'patrons.csv', 'titles.csv', 'truth']
    """
    from crmlab.loaders.sample.files import check_free, write
    from crmlab.loaders.sample.words import words

    folder = Path(folder)
    check_free(folder)
    tables, truth = _made(customers, seed, language, kind, True, progress or _silent)
    write(folder, tables, truth, kind, language, words(language), progress or _silent)
    return folder


def _made(
    customers: int, seed: int, language: str, kind: str, polluted: bool, progress: Callable[[str], None]
) -> tuple[dict, dict]:
    _check(customers, seed, language, kind)
    # The parts take a moment to import, and many who import this only want its names.
    from crmlab.loaders.sample.chance import generators
    from crmlab.loaders.sample.library import library
    from crmlab.loaders.sample.pollution import pollute
    from crmlab.loaders.sample.shop import shop
    from crmlab.loaders.sample.words import words

    make = {"shop": shop, "library": library}[kind]
    tables, truth = make(customers, seed, words(language), progress)
    if polluted:
        progress("dirt")
        generator = generators(seed)["pollution"]
        tables, truth["dirt"] = pollute(generator, tables, kind, language, words(language))
    return tables, truth


def _silent(part: str) -> None:
    pass


def _check(customers: int, seed: int, language: str, kind: str) -> None:
    if not _whole(customers) or customers < _FEWEST:
        raise ParameterError(f"customers is a whole number of at least {_FEWEST}, not {customers!r}.")
    if not _whole(seed) or seed < 0:
        raise ParameterError(f"seed is a whole number of at least 0, not {seed!r}.")
    if language not in LANGUAGES:
        raise ParameterError(
            f"There is no sample in the language {language!r}" + did_you_mean(str(language), LANGUAGES)
        )
    if kind not in KINDS:
        raise ParameterError(f"There is no sample of the kind {kind!r}" + did_you_mean(str(kind), KINDS))


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
