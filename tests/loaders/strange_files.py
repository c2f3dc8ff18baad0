"""Files as nobody should send them: valid ones mutated, random bytes, odd encodings, bombs of modest size."""

import bz2
import gzip
import io
import json
import lzma
import math
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

HEADS = (
    ["order_id", "customer_id", "time", "quantity", "unit_price"],
    ["Invoice", "Client", "Date", "Total"],
    ["customer_id", "first_name", "last_name", "email", "phone", "birth_date", "national_id"],
    ["شماره مشتری", "نام", "نام خانوادگی", "تاریخ تولد", "کد ملی", "تلفن", "شهر"],
    ["شماره سفارش", "شماره مشتری", "تاریخ", "تعداد", "مبلغ (تومان)"],
    ["response_id", "customer_id", "time", "metric", "score", "scale_low", "scale_high"],
    ["Client", "How was the delivery?", "How was the hotline?", "Would you recommend us?"],
    ["ticket_id", "time", "status", "comment"],
)
#: Values that no message may repeat.
PERSONAL = (
    "Zebulon", "Quincelet", "zeb.quince@example.com", "+98 912 345 6780", "۰۹۱۲۳۴۵۶۷۸۰", "0499370899",
    "کیانبانو", "هورچهر", "1362/11/29",
)  # fmt: skip
CELLS = (
    *PERSONAL, "", " ", "1", "7", "a7", "2024-08-02", "1403/05/12", "۱۴۰۳/۰۵/۱۲", "12.50", "1.234,50", "-3",
    "nps", "5", "n/a", "NaN", "inf", "1e999", "-0", "9" * 40, "0.1" * 9, "=1+1", "true", "🙂", "e\u0301",
    "\u202ea", "\ufdd0", "\ufdd1", "\ufffe", "O'Neil", 'a "quoted" one', "two\nlines", "a,b;c\td|e", "\u200c",
    "ي", "\x1f", "\x7f", "0000-00-00", "2024-02-30", "292278994-01-01", "24:00", "1403-12-30T25:61:61Z",
    "opened", "won", "Infinity", "null", "None", "{}", "[]", "<a>", "\\", "'", "تهران", "می‌روم", "٣٫٥",
    "\u2028", "\x85",
)  # fmt: skip
ENDINGS = (
    ".csv", ".tsv", ".txt", ".dat", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".parquet", ".pq", ".jsonl",
    ".ndjson", ".json", ".csv.gz", ".jsonl.gz", ".db", "", ".CSV", ".zip", ".gz",
)  # fmt: skip
#: Those of Persian first: they are what comes.
ENCODINGS = (
    "utf-8", "utf-8", "utf-8-sig", "cp1256", "cp1256", "iso8859-6", "utf-16", "utf-16-le", "utf-16-be",
    "utf-32", "utf-7", "cp1252", "latin-1", "cp437", "gb18030", "shift_jis", "euc-kr", "koi8-r", "cp037",
)  # fmt: skip
#: Old code pages know the Arabic letters and ASCII's digits only.
_ARABIC = str.maketrans("یک۰۱۲۳۴۵۶۷۸۹", "يك0123456789")


def rows(random: Random) -> list[list[str]]:
    """A table of text: a line of headings that mean something, and cells that may not."""
    head = list(random.choice(HEADS))
    lines = [[random.choice(CELLS) for _ in head] for _ in range(random.choice([0, 1, 3, 30]))]
    if random.random() < 0.2:
        random.choice([head, *lines]).append(random.choice(CELLS))
    return [head, *lines]


def delimited(random: Random) -> bytes:
    mark, end = random.choice([",", ";", "\t", "|", " ", ", "]), random.choice(["\n", "\r\n", "\r", "\n\n"])
    quote = random.random() < 0.7

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if quote and set(text) & set(mark + '"\n') else text

    text = end.join(mark.join(map(cell, line)) for line in rows(random)) + random.choice(["", end, "\x1a"])
    encoding = random.choice(ENCODINGS)
    text = text.translate(_ARABIC) if encoding in ("cp1256", "iso8859-6") else text
    return text.encode(encoding, errors=random.choice(["replace", "ignore"]))


def workbook(random: Random) -> bytes:
    import openpyxl

    book, content = openpyxl.Workbook(), io.BytesIO()
    for line in rows(random):
        book.active.append([value.translate(dict.fromkeys(range(32), " ")) for value in line])
    if random.random() < 0.3:
        for value in (10**15, 1e300, True, -1.5):
            book.active.cell(random.randint(1, 40), random.randint(1, 40), value)
    if random.random() < 0.1:
        far = random.choice([(random.randint(1, 5000), random.randint(1, 300)), (1_048_576, 16_384)])
        book.active.cell(*far, "far away")
    book.save(content)
    return content.getvalue() if random.random() < 0.5 else inside_zip(random, content.getvalue())


def inside_zip(random: Random, content: bytes) -> bytes:
    """A packed file with one of its parts mutated: the checksums fit, so that the part is read."""
    fresh = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        names = old.namelist()
        chosen = random.choice(names)
        for name in names:
            part = old.read(name)
            if name != chosen:
                new.writestr(name, part)
            elif random.random() < 0.9:
                new.writestr(name, mutated(random, part))
    return fresh.getvalue()


def json_lines(random: Random) -> bytes:
    def value(depth: int = 0):
        kind = random.random()
        if kind < 0.12 and depth < 4:
            return {random.choice(CELLS): value(depth + 1) for _ in range(random.randint(0, 3))}
        if kind < 0.2 and depth < 4:
            return [value(depth + 1) for _ in range(random.randint(0, 3))]
        numbers = [1, -1, 0.5, 1e308, 10**15, 10**30, 2**63, 2**53 + 1, True, None, math.nan, math.inf]
        return random.choice(numbers) if kind < 0.5 else random.choice(CELLS)

    head = random.choice(HEADS)
    lines = [
        json.dumps({name: value() for name in head}, ensure_ascii=random.random() < 0.5)
        for _ in range(random.choice([1, 3, 30]))
    ]
    if random.random() < 0.3:
        odd = [
            "[1]", "7", '"\\ud800"', '{"a": "\\ud800"}', '{"": {"": {}}}', '{"a": 1, "a": 2}', "{" * 9,
            '{"a": ' + "9" * 5000 + "}", '{"a": 1e400}', '{"\\ud800": 1}', '{"a": "\\u0000"}',
        ]  # fmt: skip
        lines.insert(random.randint(0, len(lines)), random.choice(odd))
    if random.random() < 0.1:
        lines = ["[" + ",\n".join(lines) + "]"]
    return "\n".join(lines).encode(random.choice(["utf-8", "utf-8", "utf-16", "cp1252"]), errors="replace")


def deep_json(random: Random) -> bytes:
    depth = random.choice([100, 900, 5_000, 200_000])
    one = random.choice(['{"a":', "["])
    return b'{"x":' + one.encode() * depth + b"1" + (b"}" if one[0] == "{" else b"]") * depth + b"}"


def parquet(random: Random) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    head, size = random.choice(HEADS), random.choice([0, 1, 5])
    unit = random.choice(["s", "ms", "us", "ns"])
    far = 2**52 if unit == "s" else 2**62  # seconds are written as milliseconds
    columns = {
        "text": pa.array([random.choice(CELLS) for _ in range(size)]),
        "bytes": pa.array([random.randbytes(3) for _ in range(size)]),
        "whole": pa.array([random.choice([None, 1, -(2**63), 2**63 - 1]) for _ in range(size)], pa.int64()),
        "big": pa.array([2**64 - 1] * size, pa.uint64()),
        "day": pa.array([random.choice([0, -(2**31), 2**31 - 1]) for _ in range(size)], pa.date32()),
        "stamp": pa.array(
            [random.choice([0, far, -far]) for _ in range(size)],
            pa.timestamp(unit, random.choice([None, "UTC"])),
        ),
        "span": pa.array([2**62] * size, pa.duration("s")),
        "clock": pa.array([1] * size, pa.time64("us")),
        "exact": pa.array([None] * size, pa.decimal256(76, random.choice([0, 38]))),
        "list": pa.array([[1]] * size, pa.list_(pa.int64())),
        "half": pa.array([1.5] * size, pa.float16()),
        "none": pa.nulls(size),
        "word": pa.array(["a"] * size).dictionary_encode(),
        "view": pa.array(["a"] * size, pa.string_view()),
    }
    kinds = list(columns) if random.random() < 0.5 else [kind for kind in columns if kind != "list"]
    table = pa.table([columns[random.choice(kinds)] for _ in head], names=head)
    content = io.BytesIO()
    pq.write_table(
        table, content, compression=random.choice(["none", "snappy", "zstd"]), use_dictionary=False
    )
    return content.getvalue()


def database(random: Random) -> bytes:
    book = sqlite3.connect(":memory:")
    head, *lines = rows(random)
    width = len(head)
    book.execute(f"CREATE TABLE t ({', '.join(f'c{place}' for place in range(width))})")
    values = [(line + [None] * width)[:width] for line in lines]
    for line in values:
        line[0] = random.choice([line[0], 1, 2.5, b"\xff", None, 2**62])
    book.executemany(f"INSERT INTO t VALUES ({', '.join('?' * width)})", values)
    book.commit()
    return book.serialize()


def bomb(random: Random) -> bytes:
    """Much from little, in text that is nearly a table."""
    line = random.choice(
        [b"0", b",", b"\n", b'"', b"a,b\n", b" ", b"{", b"\t", b"1 ", b"\xff", b"\x00", b"\r"]
    )
    times = (random.choice([1, 4]) << 20) // len(line)
    content = b"customer_id,time\n" * (random.random() < 0.5) + line * times
    twice = lambda text: gzip.compress(gzip.compress(text))  # noqa: E731
    pack = random.choice([gzip.compress, lambda text: text, zipped, bz2.compress, lzma.compress, twice])
    return pack(content)


def zipped(content: bytes) -> bytes:
    """A zip file that claims to be a workbook."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", content)
        archive.writestr(
            "xl/workbook.xml", "<workbook><sheets><sheet name='a' r:id='rId1'/></sheets></workbook>"
        )
    return packed.getvalue()


def huge(random: Random) -> bytes:
    """One cell, one heading, one line or one number of columns out of all proportion."""
    size = random.choice([3_000, 70_000, 1_500_000])
    sign = random.choice(
        ["a", "9", "٣", "é", "-", "(", ".", "۱,", "1403/", "a@", "+98", "a b", "\u200c", '""']
    )
    long = sign * (size // len(sign))
    return random.choice(
        [
            f"order_id,customer_id,time,amount\n1,{long},2024-08-02,3\n",
            f"order_id,customer_id,time,amount\n1,a,{long},{long}\n",
            f'{long},customer_id,time,amount\n1,a,2024-08-02,"{long}"\n',
            f"{','.join(['a'] * (size // 2))}\n{','.join(['1'] * (size // 2))}\n",
            f"email,phone,national_id\n{long},{long},{long}\n",
            f"a  b  c\n1  2  3\n4 {' ' * size} 5  6\n",
            '{"customer_id": "' + long.replace('"', "") + '"}\n',
        ]
    ).encode()


def noise(random: Random) -> bytes:
    size = random.choice([0, 1, 2, 7, 100, 5_000])
    some = random.choice([
        bytes(range(256)), b',;\t|"\n\r', b"0123456789.,- \n", b"\x00\xff\xfe\n,", b'{}[]:,"a1\n',
        bytes(range(128, 256)) + b"\n,",
    ])  # fmt: skip
    start = random.choice([
        b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00\x00", b"PK\x03\x04", b"PAR1",
        b"\x1f\x8b\x08\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"SQLite format 3\x00", b"%PDF-1.7\n",
        b"<html><table>", b"BZh9", b"\x28\xb5\x2f\xfd", b"ID3",
    ])  # fmt: skip
    return start + bytes(random.choice(some) for _ in range(size))


def mutated(random: Random, content: bytes) -> bytes:
    """`content` with a few things changed, in the way that accidents do, and some that have intent."""
    found = bytearray(content)
    for _ in range(random.choice([1, 1, 2, 8])):
        place = random.randrange(len(found) + 1)
        end = min(place + random.choice([1, 2, 8, 100]), len(found))
        kind = random.randrange(9)
        if kind == 0:
            found[place:end] = random.randbytes(end - place)
        elif kind == 1:
            del found[place:end]
        elif kind == 2:
            found[place:place] = found[place:end] * random.choice([1, 3, 200])
        elif kind == 3:
            del found[place:]
        elif kind == 4:
            found[place:place] = random.choice(
                [b"\x00", b'"', b"\n", b"\r", b"\xff", b"\xd8\x00", b"\xef\xbb\xbf"]
            )
        elif kind == 5 and place < len(found):
            found[place] ^= 1 << random.randrange(8)
        elif kind == 6:
            number = random.choice([0, -1, 2**31 - 1, -(2**31), 255, 65_535])
            found[place : place + 4] = struct.pack("<i", number)
        elif kind == 7:
            found[place:end] = random.choice(CELLS).encode()
        else:
            found = found[place:] + found[:place]
    return bytes(found)


#: What kinds of files there are, and the ending that fits each.
KINDS: dict[Callable[[Random], bytes], str] = {
    delimited: ".csv",
    workbook: ".xlsx",
    json_lines: ".jsonl",
    deep_json: ".json",
    parquet: ".parquet",
    database: ".db",
    bomb: ".csv",
    huge: ".csv",
    noise: ".csv",
}
#: Those that take the machine a while.
LARGE = (bomb, huge, deep_json)


def strange_file(seed: int, folder: Path, large: bool = True) -> Path:
    """Write the file of a seed: equal seeds give equal files.

    Parameters
    ----------
    large
        Among them some of a few megabytes.
    """
    random = Random(seed)
    make = random.choice([kind for kind in KINDS if large or kind not in LARGE])
    ending, content = KINDS[make], make(random)
    if random.random() < 0.6 and len(content) < 100_000:
        content = mutated(random, content)
    if random.random() < 0.1:
        content, ending = gzip.compress(content), f"{ending}.gz"
        content = mutated(random, content) if random.random() < 0.3 and len(content) < 100_000 else content
    if random.random() < 0.3:
        ending = random.choice(ENDINGS)
    path = folder / f"{make.__name__}-{seed}{ending}"
    path.write_bytes(content)
    return path
