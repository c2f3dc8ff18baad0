"""Uplift: Qini against scikit-uplift, one automatic choice of model on Hillstrom, and the bank's calls.

    python benchmarks/uplift.py [--peers PYTHON] [--splits N] [--permuted N] [--first SEED]

Speed: Qini of 10^6 customers, and 200 bootstrap curves of 64,000, against scikit-uplift where an interpreter
that has it is named; both must give the same coefficient. In the bootstrap the peer draws rows and takes
each curve at all places, crmlab draws weights and takes it at 1,000. Choice: mean Qini on the halves not
learnt from of N random 50/50 splits of Hillstrom's visits. False alarms: how often the test of heterogeneity
keeps silent on halves whose labels were permuted. Bank Marketing without duration: five random splits and
one by time. The last three need CRMLAB_DATA. CPU seconds, of the first table the best of three runs.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measure import seconds
from sklearn.model_selection import train_test_split

from crmlab.mining.campaigns import (
    UpliftChoice,
    heterogeneity_test,
    qini,
    qini_curve,
    response_drift,
    response_leaks,
    response_splits,
)

NONE = "No E-Mail"
FEATURES = ["recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"]
REPLICATES = 200

#: What scikit-uplift does not have is written as its users write it: samples of rows, one curve each.
PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
from sklift.metrics import qini_auc_score, qini_curve
rows = np.load(sys.argv[1])
y, s, t = (rows[name] for name in ("outcome", "score", "treatment"))
replicates, best = int(sys.argv[2]), 1e9
random = np.random.default_rng(0)
for _ in range(3 if not replicates else 1):
    start = time.process_time()
    if not replicates:
        found = qini_auc_score(y, s, t)
    for _ in range(replicates):
        drawn = random.integers(0, len(y), len(y))
        found = float(qini_curve(y[drawn], s[drawn], t[drawn])[1][-1])
    best = min(best, time.process_time() - start)
print(json.dumps([best, float(found)]))
"""


def customers(n: int) -> pd.DataFrame:
    """Customers with an effect that grows with the score."""
    random = np.random.default_rng(0)
    score, treatment = random.normal(size=n), random.integers(0, 2, n)
    outcome = (random.random(n) < 0.1 + 0.02 * treatment * (1 + score.clip(-1, 1))).astype(int)
    return pd.DataFrame({"outcome": outcome, "score": score, "treatment": treatment})


def peer(python: str | None, rows: pd.DataFrame, replicates: int) -> tuple[float, float] | None:
    """CPU seconds and result of scikit-uplift."""
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.npz")
        np.savez(path, **{name: rows[name].to_numpy() for name in rows})
        done = subprocess.run([python, "-c", PEER, str(path), str(replicates)],
                              capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode:
        print(f"scikit-uplift: {done.stderr.strip().splitlines()[-1]}")
        return None
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def speed(python: str | None) -> None:
    """The table of CPU seconds."""
    print(f"{'':<46}{'ours':>8}{'theirs':>8}{'ratio':>8}  CPU s")
    million, few = customers(1_000_000), customers(64_000)
    work = {
        "Qini, 1,000,000 customers": (million, 0, lambda given: qini(*given, replicates=0)),
        "  the same with its interval": (million, None, lambda given: qini(*given, replicates=REPLICATES)),
        "200 bootstrap Qini curves, 64,000 customers": (
            few, REPLICATES, lambda given: qini_curve(*given, replicates=REPLICATES),
        ),
    }  # fmt: skip
    for name, (rows, replicates, ours) in work.items():
        given = [rows[column].to_numpy() for column in rows]
        cpu = min(seconds(lambda ours=ours, given=given: ours(given))[0] for _ in range(3))
        theirs = None if replicates is None else peer(python, rows, replicates)
        line = f"{name:<46}{cpu:8.3f}"
        print(line + (f"{theirs[0]:8.3f}{cpu / theirs[0]:8.3f}" if theirs else ""), flush=True)
        if theirs and not replicates and abs(qini(*given, replicates=0).value - theirs[1]) > 1e-12:
            raise SystemExit(f"scikit-uplift gives another coefficient: {theirs[1]}.")


def choice(frame: pd.DataFrame, arm: str, splits: int, first: int) -> float:
    """Mean Qini of the model chosen on one half, on the other; CPU seconds of all."""
    two = frame[frame["segment"].isin([arm, NONE])].reset_index(drop=True)
    found, chosen, shown = [], [], 0

    def work() -> None:
        nonlocal shown
        for seed in range(first, first + splits):
            kind = two["segment"] + two["visit"].astype(str)
            learn, judge = train_test_split(two, test_size=0.5, random_state=seed, stratify=kind)
            model = UpliftChoice(control=NONE).fit(learn[FEATURES], learn["visit"], learn["segment"])
            score = model.predict(judge[FEATURES])
            found.append(qini(judge["visit"], score, judge["segment"], control=NONE, replicates=0).value)
            chosen.append(model.choice_[arm])
            shown += model.heterogeneity_["verdict"].iloc[0].startswith("evidence")

    cpu, _ = seconds(work)
    counts = ", ".join(f"{name} {n}" for name, n in pd.Series(chosen).value_counts().items())
    print(f"{arm:<15} mean Qini {np.mean(found):.4f} (SD of splits {np.std(found, ddof=1):.4f}); chosen: "
          f"{counts}; heterogeneity shown in {shown} of {splits}; {cpu:.1f} CPU s", flush=True)  # fmt: skip
    return cpu


def false_alarms(frame: pd.DataFrame, arm: str, runs: int) -> None:
    """How often halves with permuted labels show no heterogeneity."""
    two, silent = frame[frame["segment"].isin([arm, NONE])], 0
    for seed in range(runs):
        random = np.random.default_rng(seed)
        half = two.iloc[random.permutation(len(two))[: len(two) // 2]]
        labels = random.permutation(half["segment"].to_numpy())
        found = heterogeneity_test(half[FEATURES], half["visit"], labels, NONE, seed=seed)
        silent += found["p_value"].iloc[0] > 0.05
    print(
        f"{arm:<15} labels permuted: no heterogeneity in {silent} of {runs} ({silent / runs:.1%})", flush=True
    )


def bank(path: Path) -> None:
    """Response to the bank's calls."""
    frame = pd.read_csv(path, sep=";")
    x, y = frame.drop(columns="y"), (frame["y"] == "yes").astype(int)
    print(*response_leaks(x, y)["sentence"], sep="\n")
    x, n = x.drop(columns="duration"), int(0.7 * len(x))
    found = response_splits(x, y)
    print(found.round(4).to_string())
    mean = found.drop(index="chronological").mean()
    print(f"random splits: AUC {mean['auc']:.4f}, ALIFT {mean['alift']:.4f}, top half {mean['top_half']:.4f}")
    print(*response_drift(x[:n], y[:n], x[n:], y[n:]).warnings, sep="\n")


def main() -> None:
    """All parts, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peers", help="interpreter that has scikit-uplift")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="seed of the first split")
    parser.add_argument("--permuted", type=int, default=200, help="runs with permuted labels for each arm")
    chosen = parser.parse_args()
    speed(chosen.peers)
    data = Path(os.environ.get("CRMLAB_DATA", ""))
    if not (data / "hillstrom").is_dir():
        raise SystemExit("Hillstrom and Bank Marketing are not there; name their folder with CRMLAB_DATA.")
    frame = pd.read_csv(data / "hillstrom" / "hillstrom.csv.gz")
    arms = ("Womens E-Mail", "Mens E-Mail")
    cpu = sum(choice(frame, arm, chosen.splits, chosen.first) for arm in arms)
    print(f"both arms: {cpu:.1f} CPU s")
    for arm in arms:
        false_alarms(frame, arm, chosen.permuted)
    bank(data / "bank_marketing" / "bank-additional-full.csv.gz")


if __name__ == "__main__":
    main()
