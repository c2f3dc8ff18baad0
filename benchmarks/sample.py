"""Writing a sample workspace of n customers in both languages, against copying its files."""

import shutil
import sys
import tempfile
from pathlib import Path

from measure import compare

from crmlab.loaders.sample import write_sample


def compare_with_copying(n: int, language: str, folder: Path) -> None:
    """Write the same sample again and again, each time into a folder of its own, and copy it as often."""
    numbers = iter(range(100))
    first = write_sample(folder / "first", customers=n, seed=1, language=language)
    compare(
        f"Sample of {n:,} customers ({language})",
        lambda: write_sample(folder / f"s{next(numbers)}", customers=n, seed=1, language=language),
        lambda: shutil.copytree(first, folder / f"c{next(numbers)}"),
        "copying the files",
        times=2,
    )


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for language in ("en", "fa"):
        with tempfile.TemporaryDirectory() as folder:
            compare_with_copying(n, language, Path(folder))
