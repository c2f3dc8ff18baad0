"""Reading n delimited lines as text with detection and rejects, against pandas.read_csv."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measure import compare

from crmlab.loaders import read_file

if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.integers(0, 10**6, (n, 6)), columns=list("abcdef"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lines.csv")
        frame.to_csv(path, index=False)
        compare(
            f"Reading {n:,} lines of 6 columns",
            lambda: read_file(path),
            lambda: pd.read_csv(path, dtype="str", keep_default_na=False),
            f"pandas {pd.__version__} read_csv",
        )
