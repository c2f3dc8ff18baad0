"""Files that are whole or not there."""

from concurrent.futures import ThreadPoolExecutor

from crmlab.folders import write_whole


def test_whoever_reads_meanwhile_finds_a_whole_file(tmp_path):
    path, long = tmp_path / "file", "x" * 3_000_000
    write_whole(path, long)

    def write() -> None:
        for _ in range(30):
            write_whole(path, long)

    with ThreadPoolExecutor(2) as writers:
        writing = [writers.submit(write), writers.submit(write)]
        while not all(task.done() for task in writing):
            assert len(path.read_bytes()) == len(long)
    assert [task.result() for task in writing] == [None, None]
    assert list(tmp_path.iterdir()) == [path]
