"""Make the small fonts of the pages from the whole ones: run after crmlab/fonts/*.ttf changed.

Each weight becomes two files, Latin and Arabic letters, so that a page takes only what it writes.
Vazirmatn is under the SIL Open Font License 1.1 without a reserved name (crmlab/fonts/OFL.txt), which
allows such parts under the same licence.
"""

from pathlib import Path

from fontTools import subset

FONTS = Path(__file__).parents[1] / "crmlab" / "fonts"
WEIGHTS = ("Regular", "Bold")
#: First and last characters of what a file has: letters and digits of Persian and Arabic with their marks,
#: and the spaces and points between their words, so that a line of Persian is of one font.
RANGES = {
    "latin": [(0x20, 0x7E), (0xA0, 0x17F), (0x2010, 0x2026), (0x2030, 0x203A), (0x20AC, 0x20AC),
              (0x2122, 0x2122), (0x2190, 0x2193), (0x2212, 0x2212), (0x2248, 0x2265)],
    "arabic": [(0x20, 0x2F), (0x3A, 0x3A), (0xAB, 0xAB), (0xBB, 0xBB),
               (0x60C, 0x60C), (0x61B, 0x61B), (0x61F, 0x63A), (0x640, 0x655), (0x660, 0x66C),
               (0x670, 0x670), (0x67E, 0x67E), (0x686, 0x686), (0x698, 0x698), (0x6A9, 0x6A9),
               (0x6AF, 0x6AF), (0x6C0, 0x6C1), (0x6CC, 0x6CC), (0x6D4, 0x6D5), (0x6F0, 0x6F9),
               (0x200C, 0x200F)],
}  # fmt: skip
#: Joining, ligatures, marks, kerning, and figures of equal width for tables.
FEATURES = ["calt", "ccmp", "fina", "init", "isol", "kern", "liga", "locl", "mark", "medi", "mkmk", "rlig",
            "tnum"]  # fmt: skip


def make(weight: str, script: str) -> Path:
    """Write one file and return its path."""
    target = FONTS / f"Vazirmatn-{weight}.{script}.woff2"
    options = subset.Options(
        flavor="woff2", layout_features=FEATURES, hinting=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14]
    )
    font = subset.load_font(str(FONTS / f"Vazirmatn-{weight}.ttf"), options)
    font.recalcTimestamp = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for low, high in RANGES[script] for code in range(low, high + 1)])
    subsetter.subset(font)
    subset.save_font(font, str(target), options)
    return target


if __name__ == "__main__":
    for path in [make(weight, script) for weight in WEIGHTS for script in RANGES]:
        print(f"{path.name}: {path.stat().st_size:,} bytes")
