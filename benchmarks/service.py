"""Times until things end: Kaplan-Meier on n rows, and the incident log from file to service levels.

    python benchmarks/service.py [N] [--peers PYTHON]

Kaplan-Meier is set against plain pandas and, if an interpreter that has it is named, against lifelines;
all must give the same curve. The incident log needs CRMLAB_DATA. Best of five runs each.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from measure import seconds

from crmlab.mining.methods import kaplan_meier, logrank
from crmlab.mining.satisfaction import service_levels, ticket_summary, time_to_resolution

STATES = {"New": "opened", "Active": "assigned", "Resolved": "resolved", "Closed": "closed"}
COLUMNS = {"number": "ticket_id", "ident_state": "status", "sys_updated_at": "time", "priority": "priority",
           "made_sla": "made_sla", "assignment_group": "department"}  # fmt: skip

LIFELINES = """
import sys, time, json
import pandas as pd
from lifelines import KaplanMeierFitter
rows = pd.read_parquet(sys.argv[1])
best = 1e9
for _ in range(5):
    start = time.process_time()
    fitted = KaplanMeierFitter().fit(rows["duration"], rows["event"])
    best = min(best, time.process_time() - start)
print(json.dumps([best, float(fitted.survival_function_["KM_estimate"].sum() - 1)]))
"""


def best(work: Callable[[], object]) -> float:
    """CPU seconds of the best of five runs."""
    return min(seconds(work)[0] for _ in range(5))


def in_pandas(rows: pd.DataFrame) -> pd.Series:
    """The curve with its Greenwood sums by a plain group-by."""
    each = rows.groupby("duration")["event"].agg(["size", "sum"])
    risk = each["size"][::-1].cumsum()[::-1]
    survival = (1 - each["sum"] / risk).cumprod()
    error = np.sqrt((each["sum"] / (risk * (risk - each["sum"]))).cumsum())
    return pd.DataFrame({"survival": survival, "low": survival * np.exp(-1.96 * error),
                         "high": survival * np.exp(1.96 * error)})["survival"]  # fmt: skip


def curves(n: int, peers: str | None) -> None:
    """Durations of which one in five is censored, all different."""
    random = np.random.default_rng(1)
    rows = pd.DataFrame({"duration": random.exponential(30, n), "event": random.random(n) < 0.8})
    ours = best(lambda: kaplan_meier(rows["duration"], rows["event"]))
    found = kaplan_meier(rows["duration"], rows["event"])["survival"]
    print(f"Kaplan-Meier, {n:,} rows\n  {'crmlab':<28} {ours:8.3f} CPU s")
    theirs, sums = {"pandas": best(lambda: in_pandas(rows))}, {"pandas": float(in_pandas(rows).sum())}
    if peers:
        with tempfile.TemporaryDirectory() as folder:
            rows.to_parquet(Path(folder, "rows.parquet"))
            done = subprocess.run([peers, "-c", LIFELINES, str(Path(folder, "rows.parquet"))],
                                  capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode:
            print(f"  {'lifelines':<28} {done.stderr.strip().splitlines()[-1]}")
        else:
            theirs["lifelines"], sums["lifelines"] = json.loads(done.stdout.splitlines()[-1])
    for name, cpu in theirs.items():
        print(f"  {name:<28} {cpu:8.3f} CPU s, ratio {ours / cpu:.3f}")
        if not np.isclose(sums[name], found.sum(), rtol=1e-9):
            raise SystemExit(f"{name} gives another curve: {sums[name]}, crmlab {found.sum()}.")
    groups = random.integers(0, 5, n)
    print(f"  {'crmlab, five groups':<28} "
          f"{best(lambda: kaplan_meier(rows['duration'], rows['event'], by=groups)):8.3f} CPU s")  # fmt: skip
    print(f"  {'crmlab, log-rank of five':<28} "
          f"{best(lambda: logrank(rows['duration'], rows['event'], groups)):8.3f} CPU s")  # fmt: skip


def read(path: Path) -> pd.DataFrame:
    """The incident log with the contract's names."""
    from pyarrow import csv

    options = csv.ConvertOptions(
        include_columns=list(COLUMNS), column_types=dict.fromkeys(COLUMNS, "string"),
        null_values=["?"], strings_can_be_null=True,
    )  # fmt: skip
    log = csv.read_csv(path, convert_options=options).to_pandas().rename(columns=COLUMNS)
    return log.assign(
        time=pd.to_datetime(log["time"], format="%d/%m/%Y %H:%M"), made_sla=log["made_sla"] == "true",
        status=log["status"].map(STATES).fillna("waiting"),
    )  # fmt: skip


def incidents(path: Path) -> None:
    """From rows of statuses to levels, curve and test."""
    log = read(path)

    def work(log: pd.DataFrame) -> tuple:
        each = ticket_summary(log, keep=["made_sla"])
        return service_levels(each, "made_sla"), time_to_resolution(each, "priority")

    def in_pandas() -> pd.DataFrame:
        """Opened, resolved and last values only: no order of ties, handovers, waiting or faults."""
        rows = log.sort_values(["ticket_id", "time"], kind="stable")
        done = rows["time"].where(rows["status"].isin(["resolved", "closed"]))
        each = rows.assign(done=done).groupby("ticket_id")
        last = each[["priority", "made_sla", "department"]].last()
        return (
            last.assign(hours=each["done"].min() - each["time"].min()).groupby("priority")["made_sla"].mean()
        )

    print(f"Incident log, {len(log):,} rows")
    print(f"  {'reading the file':<28} {best(lambda: read(path)):8.3f} CPU s")
    narrow = log.drop(columns="department")
    for name, given in {"crmlab": narrow, "crmlab, with handovers": log}.items():
        print(f"  {name:<28} {best(lambda given=given: work(given)):8.3f} CPU s")
    print(f"  {'pandas, levels alone':<28} {best(in_pandas):8.3f} CPU s")
    levels, found = work(log)
    print(levels[["priority", "n", "share"]].to_string(index=False), found.test, sep="\n")


def main() -> None:
    """Both, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("n", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--peers", help="interpreter that has lifelines")
    chosen = parser.parse_args()
    curves(chosen.n, chosen.peers)
    path = Path(os.environ.get("CRMLAB_DATA", ""), "incident_log", "incident_event_log.csv.gz")
    if path.is_file():
        incidents(path)
    else:
        print("The incident log is not there; name the folder of the copies with CRMLAB_DATA.")


if __name__ == "__main__":
    sys.exit(main())
