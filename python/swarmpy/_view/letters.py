"""Letters: how wide words are, in DejaVu Sans at 11 pixels. Other fonts that may be found are no wider."""

from __future__ import annotations

SIZE = 11
FONT = "'DejaVu Sans',Verdana,Helvetica,Arial,sans-serif"
# Hundredths of the size, of the letters from space to ~.
_WIDTHS = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
_BOLD = 1.13


def wide(words: str, *, bold: bool = False, size: float = SIZE) -> float:
    """In pixels."""
    total = sum(_WIDTHS[ord(letter) - 32] if " " <= letter <= "~" else 100 for letter in words)
    return total * size / 100 * (_BOLD if bold else 1)


def fit(words: str, width: float, *, bold: bool = False) -> str:
    """What of `words` has room in `width` pixels; one letter always has."""
    if wide(words, bold=bold) <= width:
        return words
    while len(words) > 1 and wide(words + "…", bold=bold) > width:
        words = words[:-1]
    return words + "…"


def lines(words: str, width: float) -> list[str]:
    """All of `words` in lines of `width` pixels, broken where a reader would, else anywhere."""
    out = [""]
    for letter in words:
        if out[-1] and wide(out[-1] + letter) > width:
            cut = max(out[-1].rfind(mark) for mark in " /:-,") + 1
            out[-1:] = [out[-1][:cut], out[-1][cut:]] if cut > len(out[-1]) // 2 else [out[-1], ""]
        out[-1] += letter
    return [line.strip() for line in out]
