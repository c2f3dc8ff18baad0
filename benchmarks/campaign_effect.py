"""Effects of campaigns: how often intervals hold the truth, and 10^6 customers times five outcomes.

    python benchmarks/campaign_effect.py [--campaigns N] [--samples N] [--rows N] [--peers PYTHON]

Campaigns are drawn from the sample's own plan of its randomised campaign: two offers and a control group,
with effects that differ by segment and by person. The truth of an arm is the mean of what its offer adds
for everybody addressed. Some whole samples are made too, and read from their events. `--peers PYTHON` takes
tea-tasting from another interpreter; its p-values must agree with ours.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from measure import run_alone

import crmlab as crm
from crmlab.loaders.sample.campaigns import CONTROL, PLANS, assign
from crmlab.loaders.sample.segments import SHOP
from crmlab.mining.campaigns import adjusted_effect, effect, interaction_tests, outcomes, subgroup_effects

PLAN = PLANS[0]
OUTCOMES = ("visited", "bought", "orders", "amount")
PEER = """
import sys, time, json, pandas as pd, tea_tasting as tt
data = pd.read_parquet(sys.argv[1])
metrics = {name: tt.Mean(name, use_t=True, equal_var=False) for name in sys.argv[2:]}
metrics["adjusted"] = tt.Mean("amount", "before", use_t=True, equal_var=False)
experiment = tt.Experiment(metrics, variant="arm")
experiment.analyze(data.head(1000), control=0)
cpu, wall = time.process_time(), time.perf_counter()
found = experiment.analyze(data, control=0)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps({"cpu": cpu, "wall": wall, "p": {name: found[name].pvalue for name in metrics}}))
"""


def campaign(seed: int, people: int) -> pd.DataFrame:
    """One row per person addressed: arm, outcome, money, earlier spend, segment and what offers would add."""
    random = np.random.default_rng(seed)
    weights = np.array([segment.share for segment in SHOP])
    persons = pd.DataFrame({
        "segment": random.choice(len(SHOP), people, p=weights / weights.sum()),
        "acquired": np.zeros(people),
    })  # fmt: skip
    found = assign(random, PLAN, persons, SHOP, np.zeros(people, dtype=bool))
    chance = found["probability"].to_numpy()
    return found.assign(
        segment=persons["segment"].to_numpy()[found["person"]],
        responded=found["converted"].astype(int),
        value=np.where(found["converted"], random.gamma(2, 2500, len(found)), 0).round().astype("int64"),
        before=random.poisson(20 * chance),
    )


def inside(row: pd.Series, truth: float, low: str = "low", high: str = "high") -> bool:
    """Whether an interval holds the truth."""
    return bool(row[low] <= truth <= row[high])


def covered(data: pd.DataFrame, hits: dict[str, list[bool]]) -> None:
    """Add what the intervals of one campaign hold."""
    plain, money = effect(data, CONTROL).set_index("arm"), effect(data, CONTROL, "value").set_index("arm")
    adjusted = {
        method: adjusted_effect(data, CONTROL, "before", method=method).set_index("arm")
        for method in ("cuped", "lin")
    }
    groups = subgroup_effects(data, CONTROL, "segment").set_index(["group", "arm"])
    for arm in PLAN.effects:
        truth, anyhow = data[arm].mean(), data["probability"].mean()
        hits["difference (Newcombe)"].append(inside(plain.loc[arm], truth))
        hits["ratio (from Wilson's)"].append(
            inside(plain.loc[arm], 1 + truth / anyhow, "ratio_low", "ratio_high")
        )
        hits["money (Welch)"].append(inside(money.loc[arm], 5000 * truth))
        hits["ratio of money (Fieller)"].append(
            inside(money.loc[arm], 1 + truth / anyhow, "ratio_low", "ratio_high")
        )
        for method, found in adjusted.items():
            hits[f"adjusted ({method})"].append(inside(found.loc[arm], truth))
        for segment, own in data.groupby("segment")[arm].mean().items():
            hits["within segments"].append(inside(groups.loc[(segment, arm)], own))
    tests = interaction_tests(data, CONTROL, "segment")
    hits["segments found to differ (power)"] += (tests["p_adjusted"] < 0.05).tolist()
    # The same campaign with segments drawn at random, which do not differ.
    drawn = data.assign(segment=np.random.default_rng(len(data)).permutation(data["segment"]))
    hits["drawn groups found to differ"] += (
        interaction_tests(drawn, CONTROL, "segment")["p"] < 0.05
    ).tolist()


def of_samples(samples: int, customers: int) -> list[bool]:
    """The same for whole samples, read from their events."""
    held = []
    for seed in range(samples):
        data = crm.sample(customers=customers, seed=seed)
        found = effect(outcomes(data["campaign_events"], PLAN.campaign_id), CONTROL).set_index("arm")
        effects = data["truth"]["arm_effects"]
        truth = effects[effects["campaign_id"] == PLAN.campaign_id].groupby("arm")["effect"].mean()
        held += [inside(found.loc[arm], truth[arm]) for arm in PLAN.effects]
    return held


def shop(rows: int) -> pd.DataFrame:
    """A campaign of one arm with four outcomes and the spend before."""
    random = np.random.default_rng(0)
    arm, before = random.integers(0, 2, rows), random.gamma(1, 5000, rows).round()
    bought = random.random(rows) < 0.1 + 0.002 * arm
    return pd.DataFrame({
        "arm": arm, "visited": (random.random(rows) < 0.2 + 0.003 * arm).astype(int),
        "bought": bought.astype(int), "orders": random.poisson(0.3 + 0.003 * arm),
        "before": before.astype("int64"),
        "amount": (bought * (before + random.gamma(2, 1000, rows))).round().astype("int64"),
    })  # fmt: skip


def speed(folder: Path, rows: int) -> object:
    """Five effects from a frame in memory."""
    data = shop(rows)
    data.to_parquet(folder / "shop.parquet")
    small = data.head(1000)
    effect(small, 0, "amount")
    adjusted_effect(small, 0, "before", "amount")

    def work() -> None:
        p = {name: effect(data, 0, name)["p"].iloc[0] for name in OUTCOMES}
        p["adjusted"] = adjusted_effect(data, 0, "before", "amount")["p"].iloc[0]
        (folder / "p.json").write_text(json.dumps(p))

    return work


def best_of_three(command: list[str]) -> dict:
    """What a command says of itself, when it was quickest."""
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3)]
    return min((json.loads(run.stdout.splitlines()[-1]) for run in runs), key=lambda found: found["cpu"])


def main() -> None:
    """Print how often intervals hold the truth, and what five effects cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=200)
    parser.add_argument("--people", type=int, default=3000, help="persons of each campaign")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peers", help="interpreter that has tea-tasting")
    chosen = parser.parse_args()
    hits: dict[str, list[bool]] = defaultdict(list)
    for seed in range(chosen.campaigns):
        covered(campaign(seed, chosen.people), hits)
    title = f"{chosen.campaigns} campaigns of {chosen.people:,} persons, two offers"
    print(f"{title:<58}{'intervals':>10}{'%':>8}")
    for what, held in hits.items():
        print(f"  {what:<56}{len(held):>10,}{100 * np.mean(held):>8.1f}", flush=True)
    if chosen.samples:
        held = of_samples(chosen.samples, 2000)
        print(f"  {f'{chosen.samples} samples of 2,000 customers (Newcombe)':<56}{len(held):>10,}"
              f"{100 * np.mean(held):>8.1f}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--run", folder, str(chosen.rows)]
        ours = best_of_three(command)
        print(f"{f'{chosen.rows:,} rows, four effects and one adjusted':<56}{'CPU s':>10}{'wall s':>8}")
        print(f"  {'crmlab':<54}{ours['cpu']:>10.2f}{ours['wall']:>8.2f}")
        if chosen.peers:
            command = [chosen.peers, "-c", PEER, f"{folder}/shop.parquet", *OUTCOMES]
            theirs = best_of_three(command)
            print(f"  {'tea-tasting':<54}{theirs['cpu']:>10.2f}{theirs['wall']:>8.2f}")
            cpu, wall = (ours[name] / theirs[name] for name in ("cpu", "wall"))
            print(f"  {'ours/theirs':<54}{cpu:>10.2f}{wall:>8.2f}")
            for name, p in json.loads((Path(folder) / "p.json").read_text()).items():
                print(f"  {f'p of {name}: ours, theirs':<54}{p:>10.3g}{theirs['p'][name]:>10.3g}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run_alone(lambda _: speed(Path(sys.argv[2]), int(sys.argv[3])), Path())
    else:
        main()
