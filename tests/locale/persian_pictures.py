"""Pictures of lines as arrays of ink, and how far two of them differ."""

import itertools

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D
from PIL import Image
from scipy.ndimage import maximum_filter


def painted(outlines: list[Outline], em: float) -> np.ndarray:
    """Outlines in em as a picture: ink from 0 to 1, `em` pixels per em."""
    outline = Outline.make_compound_path(*outlines)
    corners = outline.vertices[outline.codes != Outline.CLOSEPOLY]
    low, high = corners.min(axis=0), corners.max(axis=0)
    width, height = (int(side) for side in np.ceil((high - low) * em) + 8)
    canvas, pen = RendererAgg(width, height, 100), GraphicsContextBase()
    pen.set_linewidth(0)
    place = Affine2D().translate(*-low).scale(em).translate(4, 4)
    canvas.draw_path(pen, outline, place, (0, 0, 0))
    return _cut(np.asarray(canvas.buffer_rgba())[..., 3] / 255)


def ink_of(picture: Image.Image) -> np.ndarray:
    """Darkness from 0 to 1, cut to where there is any."""
    ink = 1 - np.asarray(picture.convert("L"), dtype=float) / 255
    return _cut(ink / max(ink.max(), 1e-9))


def _cut(ink: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0.3) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


#: Ways to move a window, down and to the right, the least first.
_MOVES = sorted(itertools.product(range(-1, 2), range(-5, 6)), key=lambda move: abs(move[0]) + abs(move[1]))


def astray(one: np.ndarray, other: np.ndarray, enough: float = 0.0) -> float:
    """How far two pictures of a line differ where they differ most: 0 alike, 1 nothing in common.

    The share of ink in a window of 48 pixels that has no ink of the other picture within a pixel, after
    the window is moved to fit by up to 5 pixels along the line and 1 across: hinting moves letters.
    No better fit is looked for once the difference is at most `enough`.
    """
    width = one.shape[1]
    scaled = Image.fromarray(other.astype(np.float32)).resize(
        (width, other.shape[0]), Image.Resampling.BILINEAR
    )
    height = max(one.shape[0], other.shape[0])
    first, second = (_padded(picture, height) for picture in (one, np.asarray(scaled)))
    ink = np.minimum(_windows(first), _windows(second))
    best = np.ones_like(ink)
    near_first, near_second = (maximum_filter(picture, 3) for picture in (first, second))
    for move in _MOVES:
        moved, near_moved = (np.roll(picture, move, axis=(0, 1)) for picture in (second, near_second))
        lost = np.maximum(
            _windows(np.maximum(first - near_moved, 0)), _windows(np.maximum(moved - near_first, 0))
        )
        best = np.minimum(best, lost / np.maximum(ink, 24))
        if best.max() <= enough:
            break
    return float(best.max())


def _windows(picture: np.ndarray) -> np.ndarray:
    """Sums of all windows as high as the picture, every 8 pixels."""
    sums = np.concatenate([[0], picture.sum(axis=0).cumsum()])
    starts = np.arange(0, max(len(sums) - 48, 1), 8)
    return sums[np.minimum(starts + 48, len(sums) - 1)] - sums[starts]


def _padded(picture: np.ndarray, height: int) -> np.ndarray:
    above = (height - picture.shape[0]) // 2 + 3
    return np.pad(picture, ((above, height + 6 - above - picture.shape[0]), (6, 6)))
