"""Files that are whole or not there."""

from concurrent.futures import ThreadPoolExecutor

from crmlab.folders import check_writable, write_whole


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


def test_threads_that_look_whether_a_folder_can_be_written_do_not_meet(tmp_path):
    def look(_: int) -> None:
        for _ in range(300):
            check_writable(tmp_path)

    with ThreadPoolExecutor(4) as several:
        assert list(several.map(look, range(4))) == [None] * 4
    assert list(tmp_path.iterdir()) == []
