"""Completion rules over 10^7 events of a campaign, against the same done row by row on a part of them.

    python benchmarks/campaign_rules.py [EVENTS] [--peer EVENTS]

Five rules with links, waiting times and a stop, on a log out of order in which one event in a hundred is
there twice. Each run is a process of its own, so that its peak memory is its own. The peer is plain Python
over a dictionary of each customer's events; it is timed on `--peer` events and told for as many as we are
given. Both must give the same actions on that part. The number to reach was set on a machine on which the
Qini benchmark's peer takes 0.41 to 0.54 s; this one may be 1.5 to 3 times slower, so both are told.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from measure import run_alone

from crmlab.engine import collect
from crmlab.mining.campaigns import CompletionRule, check_events, next_actions

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "mining"))
from plain_rules import plain_actions

TARGET = 10.0
DAY = datetime.timedelta(days=1)
AS_OF = datetime.datetime(2025, 5, 10)
RULES = [
    CompletionRule("unsubscribed", "stop"),
    CompletionRule("clicked", "phone", 3 * DAY, link="B"),
    CompletionRule("bounced", "post", channel="email"),
    CompletionRule("sent", "sms", 5 * DAY, unless="opened", channel="email"),
    CompletionRule("visited", "email", 2 * DAY, unless="converted", delay=DAY),
]
#: Event, hours after the assignment at most, and share of customers.
HAPPENS = (
    ("assigned", 0, 1), ("sent", 24, 0.8), ("delivered", 25, 0.77), ("bounced", 26, 0.03),
    ("opened", 96, 0.4), ("opened", 300, 0.3), ("clicked", 120, 0.25), ("clicked", 400, 0.1),
    ("visited", 130, 0.2), ("converted", 600, 0.08), ("unsubscribed", 500, 0.01),
)  # fmt: skip


def write_log(n: int, path: Path) -> None:
    """A log of n events or a few more, shuffled, some there twice."""
    random = np.random.default_rng(11)
    people = int(n / 1.01 / sum(share for _, _, share in HAPPENS)) + 1
    parts = []
    for event, hours, share in HAPPENS:
        who = np.flatnonzero(random.random(people) < share)
        after = random.integers(0, hours * 3600 + 1, len(who))
        parts.append(pa.table({
            "customer_id": pa.array(np.char.add("C", (10**7 + who).astype("U8"))),
            "time": pa.array(np.datetime64("2025-04-15", "us") + after.astype("m8[s]")),
            "event": pa.array([event] * len(who)),
            "arm": pa.array(np.array(["offer a", "offer b", "control"])[who % 3]),
            "channel": pa.array(["email" if event != "assigned" else None] * len(who), "string"),
            "link": pa.array(np.where(random.random(len(who)) < 0.5, "A", "B")),
        }))  # fmt: skip
    log = pa.concat_tables(parts)
    order = random.permutation(len(log))
    log = log.take(np.append(order, order[: len(log) // 100]))
    pyarrow.parquet.write_table(log.slice(0, n), path)


def ours(path: Path) -> object:
    """Actions by the package."""
    return lambda: collect(next_actions(path, RULES, AS_OF, control="control"), key="customer_id")


def counted(path: Path) -> object:
    """Fates by the package."""
    return lambda: check_events(path, None, AS_OF)


def row_by_row(path: Path) -> object:
    """Actions by plain Python."""
    rows = pd.read_parquet(path).to_dict("records")
    return lambda: pd.DataFrame(plain_actions(rows, RULES, AS_OF, control="control"))


WAYS = {"ours": ours, "counted": counted, "row by row": row_by_row}


def measured(way: str, path: Path) -> dict:
    """What one way costs in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", way, str(path)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("events", type=int, nargs="?", default=10_000_000)
    parser.add_argument("--peer", type=int, default=200_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, part = Path(folder, "log.parquet"), Path(folder, "part.parquet")
        write_log(chosen.events, path)
        write_log(chosen.peer, part)
        pd.testing.assert_frame_equal(ours(part)(), row_by_row(part)(), check_dtype=False)
        found, fates, plain = measured("ours", path), measured("counted", path), measured("row by row", part)
    times = chosen.events / chosen.peer
    print(f"{f'{chosen.events:,} events, {len(RULES)} rules':<46}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}")
    line("crmlab: next actions", found)
    line("crmlab: what counts and what is set aside", fates)
    line(f"plain Python, reckoned from {chosen.peer:,}", plain, times)
    print(f"ours/theirs {found['cpu'] / (times * plain['cpu']):.3f}; on the part both give the same actions")
    print(
        f"to reach: {TARGET:g} CPU s; {1.5 * TARGET:g} to {3 * TARGET:g} on a machine 1.5 to 3 times slower"
    )


def line(what: str, cost: dict, times: float = 1) -> None:
    """Print a measurement, `times` over."""
    print(f"{what:<46}{times * cost['cpu']:9.2f}{times * cost['wall']:9.2f}{cost['mb']:9.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        way, path = sys.argv[2:]
        run_alone(lambda _: WAYS[way](Path(path)), Path())
    else:
        main()
