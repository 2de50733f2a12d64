"""The application suite on the site: every number leads to its clips, whatever was judged."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from bench.report.site import task_page, write_site
from bench.report.stored import StoredResultError


def _stored(results: Path, codec: str = "sqcodec-3k") -> Path:
    return results / "application" / "small" / f"{codec}.json"


def _change(path: Path, **fields: object) -> None:
    content = json.loads(path.read_text())
    content["tasks"][0] |= fields
    path.write_text(json.dumps(content))


def _row(page: str, codec: str) -> str:
    found = re.search(rf'<tr>\n<th scope="row" data-value="{codec}">.*?</tr>', page, re.DOTALL)
    assert found is not None
    return found[0]


def test_scores_stand_beside_their_distance_from_the_untouched_clips(site: Path) -> None:
    page = (site / "application.html").read_text()
    row = _row(page, "sqcodec-3k")
    assert row.index("25.00") < row.index("[5.00, 30.00]") < row.index("+2.00")
    assert 'href="tasks/sqcodec-3k.html#asr"' in row
    assert "1 of 12" in row
    assert "the clip itself" in _row(page, "reference")
    assert page.index("ASR: WER %") < page.index("ASV: EER %") < page.index("AEC: Acc %")
    assert "ER: Acc" not in page  # nobody was asked about emotions
    assert "not run: it needs &lt;RAVDESS&gt;" in page
    assert page.count("the paper&#39;s evaluator; revision e1") == 3
    assert "not comparable" not in page


def test_the_clips_behind_a_score_are_there_the_worst_first(site: Path) -> None:
    page = (site / "tasks" / "sqcodec-3k.html").read_text()
    words = page[page.index('id="asr-clips"') : page.index('id="asv"')]
    order = [words.index(f">{clip}") for clip in ("b2<", "s2<", "s1, heard", "b1, heard")]
    assert order == sorted(order)
    assert words.index("the codec &lt;died&gt;") < words.index("3 of 10: 1 sub., 0 del., 2 ins.")
    assert "b1, heard" in words
    assert "so it &lt;goes&gt;" in words
    events = page[page.index('id="aec-clips"') :]
    assert events.index("wind") < events.index("heard")
    similar = page[page.index('id="asv-clips"') : page.index('id="er"')]
    assert similar.index("0.500") < similar.index("0.600") < similar.index("0.800")


def test_trials_that_come_nearest_to_the_other_kind_are_first(site: Path) -> None:
    page = (site / "tasks" / "sqcodec-3k.html").read_text()
    same = page[page.index('id="asv-trials-same"') : page.index('id="asv-trials-other"')]
    assert "2 trials of one speaker" in same
    assert same.index("0.000") < same.index("0.500")
    other = page[page.index('id="asv-trials-other"') : page.index('id="asv-clips"')]
    assert "4 trials of two speakers of one language" in other
    assert other.index("0.400") < other.index("0.300") < other.index("0.100")


def test_tables_that_are_too_long_for_a_page_are_files(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_page, "MOST_SHOWN", 1)
    tasks = write_site(tmp_path / "long", results).parent / "tasks"
    assert (
        'and 3 more: <a href="sqcodec-3k-asr-clips.csv">' in (tasks / "sqcodec-3k.html").read_text()
    )
    clips = pd.read_csv(tasks / "sqcodec-3k-asr-clips.csv").set_index("clip")
    assert list(clips.index) == ["b1", "b2", "s1", "s2"]
    assert clips.loc["b2", "error"] == "the codec <died>"
    trials = pd.read_csv(tasks / "sqcodec-3k-asv-trials.csv")
    assert list(trials.iloc[1][["enrol", "test", "score"]]) == ["b1", "s1", 0.1]


def test_a_score_that_could_not_be_taken_gives_its_reason(results: Path, tmp_path: Path) -> None:
    path = _stored(results)
    score = json.loads(path.read_text())["tasks"][0]["scores"][0]
    missing = {"value": None, "low": None, "high": None, "method": "no speaker has two clips"}
    _change(path, scores=[score | missing | {"difference": None}])
    page = (write_site(tmp_path / "site", results).parent / "application.html").read_text()
    row = _row(page, "sqcodec-3k")
    assert "25.00" not in row
    assert "no speaker has two clips" in row


def test_codecs_that_others_judged_are_told_apart(results: Path, tmp_path: Path) -> None:
    _change(_stored(results), dataset_revision="d2")
    page = (write_site(tmp_path / "site", results).parent / "application.html").read_text()
    assert "sqcodec-3k: not comparable with others" in page
    assert "reference: not comparable with others" in page


def test_a_page_says_that_the_other_suite_has_another_revision(
    results: Path, tmp_path: Path
) -> None:
    path = _stored(results)
    content = json.loads(path.read_text())
    content["codec"]["revision"] = "later"
    path.write_text(json.dumps(content))
    tasks = write_site(tmp_path / "site", results).parent / "tasks"
    assert "which are of another revision, abc" in (tasks / "sqcodec-3k.html").read_text()
    assert "another revision" not in (tasks / "reference.html").read_text()


def test_the_codecs_page_leads_to_its_tasks(site: Path) -> None:
    assert 'href="../tasks/sqcodec-3k.html"' in (site / "codecs" / "sqcodec-3k.html").read_text()
    assert "../tasks/" not in (site / "codecs" / "opus-6k.html").read_text()


@pytest.mark.parametrize(
    "fields", [{"clips": [{"clip": "b1"}]}, {"scores": 3}, {"evaluator": "someone"}]
)
def test_a_file_that_does_not_fit_is_named_and_the_site_stays(
    site: Path, results: Path, fields: dict[str, object]
) -> None:
    _change(_stored(results), **fields)
    with pytest.raises(StoredResultError, match=r"sqcodec-3k\.json: no result that can be read"):
        write_site(site, results)
    assert (site / "application.html").is_file()


def test_a_file_of_another_codec_is_refused(results: Path, tmp_path: Path) -> None:
    _stored(results).rename(_stored(results, "other"))
    with pytest.raises(StoredResultError, match="it is of the codec 'sqcodec-3k'"):
        write_site(tmp_path / "site", results)
