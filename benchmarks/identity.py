"""Reports made over and over, compared byte for byte: notebook, page, tables and PDF.

Both engines, one, two and four workers, another folder and another hash seed each time; the three
reports in both languages. Prints how many of the runs equal the first, and which files do not.
"""

import hashlib
import itertools
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from crmlab.loaders.sample import write_sample

CRMLAB = Path(sys.executable).with_name("crmlab")
SEED = 20240331


def digests(run: Path) -> dict[str, str]:
    """Checksum of each file of a run but its manifest."""
    return {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def main() -> None:
    """Make at least as many runs as asked for, 100 if not, and print the verdict."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seeds, first, runs, other = random.Random(SEED), {}, 0, []
    with tempfile.TemporaryDirectory() as place:
        shop = write_sample(Path(place, "shop"), customers=1000, seed=3)
        subprocess.run([CRMLAB, "clean", shop], capture_output=True, check=False)
        plan = Path(place, "plan.toml")
        names = '["segmentation", "satisfaction", "campaign"]'
        plan.write_text(f'notebook = {names}\nlanguage = ["en", "fa"]\nworkspace = "{shop}"\n')
        ways = itertools.cycle(itertools.product(("fork", "papermill"), (1, 2, 4)))
        for number, (engine, jobs) in enumerate(ways):
            if runs >= wanted:
                break
            out = Path(place, f"{'deep/' * (number % 3)}out{number}")
            seed = str(seeds.randrange(2**32))
            call = [CRMLAB, "batch", plan, "--out", out, "--jobs", str(jobs), "--engine", engine, "--pdf"]
            subprocess.run(call, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True)
            for run in sorted(path.parent for path in out.glob("*/*/manifest.json")):
                found = digests(run)
                assert {"report.html", "report.ipynb", "report.pdf"} <= set(found), found
                expected = first.setdefault(run.relative_to(out), found)
                runs += 1
                if found != expected:
                    names = [name for name in found | expected if found.get(name) != expected.get(name)]
                    other.append(f"{run.relative_to(out)} by {engine}, {jobs} at a time: {', '.join(names)}")
            print(f"{engine:9} {jobs} at a time, hash seed {seed:>10}: {runs} runs so far", flush=True)
    print(f"\n{runs - len(other)} of {runs} runs are identical to the first of their report and language")
    print("\n".join(other))
    sys.exit(bool(other))


if __name__ == "__main__":
    main()
