"""A refresh of the campaign monitor: a million events so far, a thousand new ones in a file.

    python benchmarks/monitor.py [--events N] [--new N]

The first line reads all events so far, which are files in a folder. Then a file with new ones arrives and
the monitor is refreshed, five times; the best and the median are printed, from the look at the folder to the
snapshot with its confidence sequences. Besides: a refresh where nothing arrived, one by a monitor that was
just started again, and the plain way, which reads and counts all files each time, with the same numbers.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measure import seconds

from crmlab.arrivals import Arrivals
from crmlab.mining.campaigns import Monitor

ARMS, START = {"mail a": 0.4, "mail b": 0.4, "control": 0.2}, pd.Timestamp("2026-03-01 08:00")


def events(n: int) -> pd.DataFrame:
    """About `n` events of a fifth as many customers, in the order in which they happen."""
    random, customers = np.random.default_rng(1), n // 5
    arm = random.choice(list(ARMS), customers, p=list(ARMS.values()))
    parts = [pd.DataFrame({"who": np.arange(customers), "event": "assigned", "hour": 0.0})]
    for event, rate, hour in (
        ("sent", 2.5, 4),
        ("opened", 1.0, 20),
        ("clicked", 0.3, 30),
        ("converted", 0.2, 60),
    ):
        who = random.integers(0, customers, round(rate * customers))
        parts.append(
            pd.DataFrame({"who": who, "event": event, "hour": hour + random.exponential(40, len(who))})
        )
    frame = pd.concat(parts, ignore_index=True).sort_values("hour", kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "campaign_id": "M1",
            "customer_id": np.char.add("C", frame["who"].to_numpy().astype(str)),
            "time": (START + pd.to_timedelta(frame["hour"], unit="h")).dt.floor("s"),
            "event": frame["event"],
            "arm": arm[frame["who"]],
            "channel": np.where(frame["event"].isin(["sent", "opened", "clicked"]), "email", ""),
            "value": np.where(frame["event"] == "converted", random.integers(5, 300, len(frame)), 0),
        }
    )


def plainly(folder: Path) -> pd.DataFrame:
    """Responses by arm from all files, each event once."""
    every = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("*.csv"))]).drop_duplicates()
    arms = every[every["event"] == "assigned"].groupby("arm")["customer_id"].nunique()
    bought = every[every["event"] == "converted"].groupby("arm")["customer_id"].nunique()
    return pd.DataFrame({"customers": arms, "responses": bought}).loc[list(ARMS)]


def line(what: str, took: tuple[float, float]) -> None:
    """Print CPU and wall seconds."""
    print(f"{what:<58}{took[0]:9.3f}{took[1]:9.3f}", flush=True)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=1_000)
    chosen = parser.parse_args()
    rounds = 6
    frame = events(chosen.events + rounds * chosen.new + 5000)
    with tempfile.TemporaryDirectory() as name:
        drop, state = Path(name, "drop"), Path(name, "state")
        drop.mkdir()
        parts = np.array_split(np.arange(chosen.events), 10)
        for number, part in enumerate(parts):
            frame.iloc[part].to_csv(drop / f"{number:03}.csv", index=False)
        watch, arrivals = Monitor(state, "M1", ARMS, "control", planned=4000), Arrivals(drop)
        print(f"{'':<58}{'CPU s':>9}{'wall s':>9}")
        line(f"all {chosen.events:,} events so far", seconds(lambda: watch.refresh(arrivals)))
        runs = []
        for number in range(rounds):
            start = chosen.events + number * chosen.new
            fresh = frame.iloc[start : start + chosen.new]
            fresh.to_csv(drop / f"new{number}.csv", index=False)
            runs.append(seconds(lambda: watch.refresh(arrivals)))
        runs = sorted(runs[1:])
        line(f"{chosen.new:,} new ones in a file, best of {len(runs)}", runs[0])
        middle = tuple(statistics.median(run[side] for run in runs) for side in (0, 1))
        line(f"{chosen.new:,} new ones in a file, median", middle)
        line("nothing new", seconds(lambda: watch.refresh(arrivals)))
        again = lambda: Monitor(**watch.parameters).refresh(Arrivals(drop))  # noqa: E731
        line("started again", seconds(again))
        plain = seconds(lambda: plainly(drop))
        line("peer: pandas reads and counts all files", plain)
        print(f"{'ratio':<58}{middle[0] / plain[0]:9.3f}{middle[1] / plain[1]:9.3f}")
        found = watch.snapshot().arms.set_index("arm")[["customers", "responses"]]
        if not (found.to_numpy() == plainly(drop).to_numpy()).all():
            raise SystemExit("The two ways differ.")


if __name__ == "__main__":
    main()
