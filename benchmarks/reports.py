"""Making reports, against papermill's and nbconvert's own commands on the same notebook.

One run prints the whole table: 12 and 100 reports from cold, what one more costs over its own
computing, 12 unchanged ones, and `crmlab --help`.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from crmlab.loaders.sample import write_sample

BIN = Path(sys.executable).parent
CELLS = (
    'workspace: str = "."  # folder of the workspace\n'
    'language: str = "en"  # [en | fa] language\n'
    "number: int = 5  # [2..200] number of the report, and two hundredths of customers to mark",
    "import crmlab as crm\n"
    "ws = crm.open_workspace(workspace)\n"
    "report = crm.reporting.Report(ws, language)\n"
    "customers = crm.mining.customers",
    "scored = crm.collect(customers.rfm(ws.orders))\n"
    "grid = customers.concentration(scored.monetary_value)\n"
    "months = customers.activity(ws.orders)",
    'report.trend("months", months, "orders", time="month", title="Orders by month")',
    'report.curve("value", grid, "customers", "value", x_name="share of customers, best first",\n'
    '    title="Share of the value that the best customers bring", mark=number / 200)',
    'report.table("months_in_numbers", months, {"month": "Month", "orders": "Orders"}, title="Orders")',
    'report.table("best", scored.nlargest(10, "monetary_value"), {"frequency": "Orders"}, title="Value")',
    'report.table("latest", scored.nsmallest(10, "recency"), {"recency": "Days since last order, mean"},\n'
    '    title="Value")',
)


def write_benchmark_notebook(path: Path) -> Path:
    """RFM, two figures and three tables."""
    cells = [nbformat.v4.new_markdown_cell("# A benchmark")]
    cells += [nbformat.v4.new_code_cell(source) for source in CELLS]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "crmlab": {"tables": ["orders"]}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def measured(*command: object) -> tuple[float, float]:
    """CPU and wall seconds of a command with all its children."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def batch(folder: Path, notebook: Path, n: int) -> tuple[float, float]:
    """CPU and wall seconds of a batch of `n` reports into the same folder."""
    plan = folder / f"plan{n}.toml"
    numbers = ", ".join(str(number) for number in range(2, n + 2))
    plan.write_text(f'notebook = "{notebook}"\nworkspace = "{folder}/shop"\n[grid]\nnumber = [{numbers}]\n')
    return measured(BIN / "crmlab", "batch", plan, "--out", folder / f"out{n}")


def stock(folder: Path, notebook: Path, n: int) -> tuple[float, float]:
    """CPU and wall seconds of `n` reports by the stock commands, one after the other."""
    cpu = wall = 0.0
    for number in range(n):
        done = folder / f"stock{number}.ipynb"
        for command in (
            ("papermill", notebook, done, "-p", "workspace", folder / "shop", "-p", "number", number + 2),
            ("jupyter-nbconvert", "--to", "html", done),
        ):
            one = measured(BIN / command[0], *command[1:])
            cpu, wall = cpu + one[0], wall + one[1]
    return cpu, wall


def own_computing(folder: Path, notebook: Path) -> float:
    """CPU seconds that the cells of one report take by themselves, all imports done."""
    lines = [
        "import time",
        CELLS[0],
        f"workspace = {str(folder / 'shop')!r}",
        "from crmlab.reporting.pool import preload",
    ]
    lines += ["preload()", "import duckdb, ibis.backends.duckdb", "start = time.process_time()"]
    lines += [re.sub(r"^(report\.\w+\()", r"shown = \1", cell, flags=re.M) for cell in CELLS[1:]]
    lines += ["print(time.process_time() - start)"]
    script = folder / "script.py"
    script.write_text("\n".join(lines))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Print the table."""
    os.environ["OMP_NUM_THREADS"] = "1"
    few = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    folder = Path(tempfile.mkdtemp())
    try:
        write_sample(folder / "shop", customers=5000, seed=1)
        notebook = write_benchmark_notebook(folder / "benchmark.ipynb")
        # Rows set aside are a finding, so that the status is 1.
        subprocess.run([BIN / "crmlab", "clean", folder / "shop"], capture_output=True, check=False)
        stock_cpu, stock_wall = (part / few for part in stock(folder, notebook, few))
        print(f"{'':44}{'CPU s':>8}{'wall s':>8}")
        print(f"{f'stock chain, one report (mean of {few})':44}{stock_cpu:8.2f}{stock_wall:8.2f}")
        twelve, hundred = batch(folder, notebook, 12), batch(folder, notebook, 100)
        for n, (cpu, wall) in ((12, twelve), (100, hundred)):
            print(f"{f'{n} reports, cold':44}{cpu:8.2f}{wall:8.2f}  {n * stock_wall / wall:.1f} x stock")
        more, own = (hundred[0] - twelve[0]) / 88, own_computing(folder, notebook)
        print(f"{'one more report':44}{more:8.2f}")
        print(f"{'  over its own computing':44}{more - own:8.2f}")
        again = min(batch(folder, notebook, 12)[1] for _ in range(3))
        print(f"{'12 reports, nothing changed':44}{'':8}{again:8.2f}")
        shown = min(measured(BIN / "crmlab", "--help")[1] for _ in range(5))
        print(f"{'crmlab --help':44}{'':8}{shown:8.2f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
