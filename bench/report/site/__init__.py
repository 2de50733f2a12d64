"""The site: a folder of pages that opens from disk, without a network and without a server.

- `leaderboard`: the rows of the first page. `plot`: the points of its plot.
- `codec_page`: a page for each codec: what it is, its scores, the clips behind them.
- `application`, `task_section`: the application suite, its first page and one for each codec.
- `listening`: the listening room, from the excerpts of `bench hear`.
- `render`: templates to files. `templates/` and `static/` are what they are made of.

Everything comes from stored results; the same results give the same bytes.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["NotASiteError", "write_site"]


class NotASiteError(ValueError):
    """The folder for the site holds something else, which is not replaced."""


def write_site(out: Path, results: Path, dataset: str | None = None) -> Path:
    """Write the site into `out`, in the place of an earlier one, and return its first page.

    Args:
        out: the folder; replaced whole, or not at all.
        results: the folder of stored results.
        dataset: of our results; the one with the most codecs if None.

    Raises:
        StoredResultError: a file below `results` cannot be used.
        FileNotFoundError: the paper's Table 1 is not there.
        NotASiteError: `out` holds something else than a site.
        OSError: the files cannot be written.
    """
    from bench.report.site.render import render

    return render(out, results, dataset)
