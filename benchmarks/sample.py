"""Writing a sample workspace of n customers in both languages, against copying its files."""

import shutil
import sys
import tempfile
from pathlib import Path

from measure import compare

from crmlab.loaders.sample import write_sample

if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for language in ("en", "fa"):
        with tempfile.TemporaryDirectory() as folder:
            numbers = iter(range(100))

            def ours(folder: str = folder, language: str = language) -> Path:
                """Generate, pollute and write."""
                return write_sample(Path(folder, f"s{next(numbers)}"), customers=n, seed=1, language=language)

            first = ours()
            compare(
                f"Sample of {n:,} customers ({language})",
                ours,
                lambda folder=folder, first=first: shutil.copytree(first, Path(folder, f"c{next(numbers)}")),
                "copying the files",
                times=2,
            )
