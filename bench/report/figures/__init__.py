"""The figures of the report, a file each, from stored results alone.

- `figure1`: PESQ against complexity and against measured speed.
- `figure2`: the architecture. `figure3`: TPooling on a piano tone.
- `ablation`: training curves of the ablations that were trained here.
- `rate_distortion`: every score against the measured bit/s.
- `heat_map`: scores by data set. `codebooks`: how they are used. `training`: the losses.
- `labels`: where labels go. `style`: how figures look and are saved.
"""

from __future__ import annotations

from pathlib import Path

from bench.report.figures.style import Drawn, styled
from bench.report.palette import family_of
from bench.report.results import Result

__all__ = ["Drawn", "draw"]


def draw(
    out: Path, results: Path, only_paper: bool = False, dataset: str | None = None
) -> list[Drawn]:
    """Draw every figure that there are results for, as PNG, SVG and PDF.

    Args:
        out: the folder for the files.
        results: the folder of stored results.
        only_paper: Figures 1 to 3 as the paper has them; no results of ours are read.
        dataset: of our results; the one with the most codecs if None.

    Returns:
        A figure each, with its files or the reason why it was not drawn.

    Raises:
        StoredResultError: a file below `results` cannot be used.
        FileNotFoundError: the paper's Table 1 is not there.
        OSError: the files cannot be written.
    """
    from bench.report.ablation import stored
    from bench.report.bubbles import bubbles
    from bench.report.figures import (
        ablation,
        codebooks,
        figure1,
        figure2,
        figure3,
        heat_map,
        rate_distortion,
        training,
    )
    from bench.report.stored import main_data, read_results, said

    with styled():
        if only_paper:
            paper = bubbles(results)
            drawn = [figure1.draw_paper(out, paper)]
            return [*drawn, figure2.draw(out, results), figure3.draw(out, results)]
        measured = sorted(main_data(read_results(results, "signal"), dataset), key=_in_order)
        points = bubbles(results, measured)
        data = said(measured)
        return [
            figure1.draw_paper(out, points),
            figure1.draw_measured(out, points, data),
            figure1.draw_beside(out, points, figure1.FULL, data),
            figure1.draw_beside(out, points, figure1.REAL_TIME, data),
            figure2.draw(out, results),
            figure3.draw(out, results),
            rate_distortion.draw(out, measured, data),
            heat_map.draw(out, measured, data),
            codebooks.draw(out, measured, data),
            training.draw(out, results),
            *(
                ablation.draw(out, f"ablation-{name}", content)
                for name, (content, _) in stored(results).items()
            ),
        ]


def _in_order(result: Result) -> tuple[str, float]:
    """Families side by side, each from its lowest bitrate to its highest."""
    return family_of(str(result.codec["name"])).label, result.measured_bitrate_bps or 0.0
