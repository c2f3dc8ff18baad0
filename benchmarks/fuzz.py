"""Strange files through the loaders, `crmlab init` and `crmlab clean`: each is read or refused in a sentence.

    fuzz.py [FILES] [FIRST_SEED]

Files are written and read in processes of their own, with limits on time and memory for each file.
Prints every fault when it is met, at the end the outcomes of each way in, each distinct message once
with the seed that shows it, and the slowest files. Exit status 1 if there was a fault.
"""

import collections
import faulthandler
import importlib
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "loaders"))

from strange_files import strange_file
from through_the_loaders import outcomes

#: CPU seconds and address space that one file may take, through all ways in.
SECONDS, MEMORY = 15, 4 << 30
#: Files for one process: what one leaves in it, the next must bear.
BATCH = 50
#: What children would load again and again.
MODULES = (
    "openpyxl", "python_calamine", "sqlalchemy.dialects.sqlite", "pandera.pandas", "rich.console",
    "rich.table", "pyarrow.parquet", "pyarrow.csv", "phonenumbers", "email_validator", "crmlab.cli.show",
    "crmlab.cleansing.clean", "crmlab.loaders.public", "crmlab.describe", "crmlab.refresh",
    "crmlab.workspace", "ibis", "duckdb",
)  # fmt: skip


def child(seeds: range, said: int, into: str) -> None:
    """Try the file of each seed, and write what came of it to the open file `said`, a line each."""
    faulthandler.register(signal.SIGXCPU, file=said, all_threads=False, chain=True)
    faulthandler.enable(file=said, all_threads=False)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for seed in seeds:
        began = time.process_time()
        resource.setrlimit(resource.RLIMIT_CPU, (int(began) + SECONDS + 1, resource.RLIM_INFINITY))
        signal.alarm(20 * SECONDS)  # for what waits without working
        with tempfile.TemporaryDirectory(dir=into) as folder:
            path = strange_file(seed, Path(folder))
            size, found = path.stat().st_size, outcomes(path, seed)
        line = [seed, path.name, size, time.process_time() - began, found]
        os.write(said, f"\n{json.dumps(line)}\n".encode())


def tried(seeds: range, into: str) -> list[list]:
    """What a child says about the files of these seeds, up to the one that it dies of."""
    read, write = os.pipe()
    process = os.fork()
    if not process:
        os.close(read)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            child(seeds, write, into)
        except BaseException as error:  # of this script, or the memory is full
            os.write(write, f"{type(error).__name__}: {error}".encode(errors="replace"))
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8", errors="replace") as pipe:
        lines = pipe.read().split("\n")
    _, status = os.waitpid(process, 0)
    found = [json.loads(line) for line in lines if line.startswith("[")]
    if len(found) < len(seeds):
        seed = seeds[len(found)]
        rest = "\n".join(lines[2 * len(found) :])
        places = re.findall(r"crmlab/(\S+py).*line (\d+)", rest)
        how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else rest.strip()[:150]
        where = ":".join(places[0]) if places else "?"
        found.append([seed, f"seed {seed}", 0, SECONDS, [["all", "fault", f"died of {how} in {where}"]]])
    return found


def main() -> None:
    """Try as many files as asked for, 2000 if not."""
    for module in MODULES:
        importlib.import_module(module)
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    following, end = first, first + files
    ways, said, slow = collections.defaultdict(collections.Counter), {}, []
    while following < end:
        # What a child that dies leaves behind goes with the folder.
        with tempfile.TemporaryDirectory(prefix="crmlab-fuzz-") as into:
            batch = tried(range(following, min(following + BATCH, end)), into)
        for seed, name, size, took, found in batch:
            following = seed + 1
            slow = sorted([*slow, (took, size, name)], reverse=True)[:8]
            for way, kind, message in found:
                ways[way][kind] += 1
                count, shown_by = said.get((kind, message), (0, name))
                said[kind, message] = count + 1, shown_by
                if kind == "fault" and not count:
                    print(f"FAULT {name}: {way}: {message}", flush=True)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{files:,} files from seed {first:,} in {spent.ru_utime + spent.ru_stime:,.0f} CPU seconds")
    kinds = ("read", "noted", "refused", "fault")
    print(f"{'way in':24}" + "".join(f"{kind:>10}" for kind in kinds))
    for way, counts in ways.items():
        print(f"{way:24}" + "".join(f"{counts[kind]:10,}" for kind in kinds))
    for kind in kinds[1:]:
        messages = {message: seen for (of, message), seen in said.items() if of == kind}
        print(f"\n{kind}: {len(messages):,} distinct messages")
        for message, (count, name) in sorted(messages.items(), key=lambda item: -item[1][0]):
            print(f"{count:7,}  {message}   ({name})")
    print("\nslowest, CPU seconds over all ways in:")
    for took, size, name in slow:
        print(f"{took:7.2f}  {size:>9,} bytes  {name}")
    sys.exit(any(counts["fault"] for counts in ways.values()))


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    main()
