"""The application suite on the site: every score leads to its evidence, whatever was judged."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.report.site import task_section, write_site
from bench.report.stored import StoredResultError

Change = Callable[[dict[str, Any]], None]


def _stored(results: Path, codec: str = "sqcodec-3k") -> Path:
    return results / "application" / "small" / f"{codec}.json"


def _change(path: Path, change: Change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _changed(results: Path, change: Change, codec: str = "sqcodec-3k") -> Path:
    """The site with another file of a codec."""
    _change(_stored(results, codec), change)
    return write_site(results.parent / "changed", results).parent


def _row(page: str, codec: str) -> str:
    found = re.search(rf'<tr>\n<th scope="row" data-value="{codec}">.*?</tr>', page, re.DOTALL)
    assert found is not None
    return found[0]


def _of_schema_1(content: dict[str, Any]) -> None:
    content["schema"] = 1
    for task in content["tasks"]:
        task["trials"] = []
        for clip in task["clips"]:
            clip.pop("speaker", None)


def test_scores_stand_beside_their_distance_from_the_untouched_clips(site: Path) -> None:
    page = (site / "application.html").read_text()
    row = _row(page, "sqcodec-3k")
    assert row.index("25.00") < row.index("[5.00, 30.00]") < row.index("+2.00")
    assert 'href="tasks/sqcodec-3k.html#asr-clips"' in row
    assert 'href="tasks/sqcodec-3k.html#asv-trials-same"' in row
    assert 'href="codecs/sqcodec-3k.html#certificate"' in row
    assert "1 of 12" in row
    assert "the clip itself" in _row(page, "reference")
    assert page.index("ASR: WER %") < page.index("ASV: EER %") < page.index("AEC: Acc %")
    assert "ER: Acc" not in page  # nobody was asked about emotions
    assert page.count("not run: it needs &lt;RAVDESS&gt;") == 1
    assert page.count("the paper&#39;s evaluator; revision e1") == 3
    assert page.count("not the paper&#39;s evaluator; revision e1") == 2
    assert "comparable" not in page


def test_codecs_stand_below_the_reference_by_word_errors(results: Path) -> None:
    content = json.loads(_stored(results).read_text())
    for name, rate in (("a-worse", 90.0), ("z-better", 10.0)):
        content["codec"]["name"] = name
        content["tasks"][0]["scores"][0]["value"] = rate
        _stored(results, name).write_text(json.dumps(content))
    content["codec"]["name"] = "no-words"
    del content["tasks"][0]
    _stored(results, "no-words").write_text(json.dumps(content))
    page = (write_site(results.parent / "more", results).parent / "application.html").read_text()
    order = re.findall(r'<th scope="row" data-value="([^"]+)">', page)
    assert order == ["reference", "z-better", "sqcodec-3k", "a-worse", "no-words"]
    assert "not run" in _row(page, "no-words")
    assert "codecs/z-better.html" not in page  # it has no page of the signal suite


def test_the_clips_behind_a_score_are_there_the_worst_first(site: Path) -> None:
    page = (site / "tasks" / "sqcodec-3k.html").read_text()
    words = page[page.index('id="asr-clips"') : page.index('id="asv"')]
    order = [words.index(f">{clip}") for clip in ("b2<", "s2<", "s1, heard", "b1, heard")]
    assert order == sorted(order)
    assert words.index("the codec &lt;died&gt;") < words.index("3 of 10: 1 sub., 0 del., 2 ins.")
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
    assert "4 trials of two speakers, the most alike first" in other
    assert other.index("0.400") < other.index("0.300") < other.index("0.100")


def test_trials_across_languages_stand_apart_and_failed_ones_nowhere(results: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        trials = content["tasks"][1]["trials"]
        trials["same_language"][1] = False
        trials["score"][2] = None

    page = (_changed(results, change) / "tasks" / "sqcodec-3k.html").read_text()
    other = page[page.index('id="asv-trials-other"') : page.index('id="asv-trials-languages"')]
    assert "2 trials of two speakers," in other
    across = page[page.index('id="asv-trials-languages"') : page.index('id="asv-clips"')]
    assert "1 trials of two speakers of different languages" in across
    assert "0.100" in across
    assert "0.200" not in page[page.index('id="asv"') : page.index('id="asv-clips"')]


def test_tables_that_are_too_long_for_a_page_are_files(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_section, "MOST_SHOWN", 1)
    tasks = write_site(tmp_path / "long", results).parent / "tasks"
    page = (tasks / "sqcodec-3k.html").read_text()
    assert 'and 3 more: <a href="sqcodec-3k-asr-clips.csv">' in page
    text = (tasks / "sqcodec-3k-asr-clips.csv").read_text()
    assert "10.0" not in text  # a count stays one beside clips that have none
    clips = pd.read_csv(tasks / "sqcodec-3k-asr-clips.csv").set_index("clip")
    assert list(clips.index) == ["b1", "b2", "s1", "s2"]
    assert clips.loc["b2", "error"] == "the codec <died>"
    trials = pd.read_csv(tasks / "sqcodec-3k-asv-trials.csv")
    assert list(trials.iloc[1]) == ["b1", "s1", "b", "s", True, 0.1]


def test_results_of_schema_1_have_no_trials(results: Path) -> None:
    page = (_changed(results, _of_schema_1) / "tasks" / "sqcodec-3k.html").read_text()
    assert "asv-trials" not in page
    assert "0.500" in page[page.index('id="asv-clips"') :]


def test_clips_without_an_untouched_one_say_so(results: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        del content["tasks"][1]["clips"][0]["similarity"]
        taken = {"predicted_of_reference": None, "probability_of_label": None}
        content["tasks"][3]["clips"][0] |= taken

    page = (_changed(results, change) / "tasks" / "sqcodec-3k.html").read_text()
    assert "no untouched one" in page
    assert "None" not in page


def test_a_score_that_could_not_be_taken_gives_its_reason(results: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        score = content["tasks"][0]["scores"][0]
        score |= {"value": None, "low": None, "high": None, "method": "no words were said"}
        score["difference"] = None
        rate = content["tasks"][1]["scores"][0]
        rate |= {"low": None, "high": None, "method": "no interval: a single speaker"}
        content["measured_bitrate_bps"] = None

    site = _changed(results, change)
    row = _row((site / "application.html").read_text(), "sqcodec-3k")
    assert "25.00" not in row
    for said in ("no words were said", "no interval: a single speaker", "no clip went through"):
        assert said in row, said
    assert "no words were said" in (site / "tasks" / "sqcodec-3k.html").read_text()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset_revision", "d2"),
        ("scored_by", {"counter": "2.0"}),
        ("evaluator", {"name": "a judge", "revision": "e1", "weights": "others"}),
    ],
)
def test_codecs_that_do_not_compare_are_told_apart(
    results: Path, field: str, value: object
) -> None:
    site = _changed(results, lambda content: content["tasks"][0].update({field: value}))
    page = (site / "application.html").read_text()
    assert page.count("only sqcodec-3k: comparable among themselves alone") == 1
    assert page.count("only reference: comparable among themselves alone") == 1


def test_a_task_that_one_codec_lacks_leaves_the_others_comparable(results: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["tasks"][0] |= {"unavailable": "no weights", "scores": [], "clips": []}

    page = (_changed(results, change) / "application.html").read_text()
    assert "not run: no weights<small>only sqcodec-3k</small>" in page
    assert "only reference</small>" in page
    assert "comparable" not in page


def test_a_page_says_that_the_other_suite_has_another_revision(results: Path) -> None:
    site = _changed(results, lambda content: content["codec"].update(revision="later"))
    assert "which are of another revision, abc" in (site / "tasks/sqcodec-3k.html").read_text()
    assert "another revision" not in (site / "tasks" / "reference.html").read_text()
    row = _row((site / "application.html").read_text(), "sqcodec-3k")
    assert "not verified" in row
    assert "#certificate" not in row


def test_a_codec_that_was_judged_alone_has_its_page(results: Path) -> None:
    (results / "signal" / "small" / "sqcodec-3k.json").unlink()
    site = write_site(results.parent / "site", results).parent
    assert (
        "signal suite" not in (site / "tasks" / "sqcodec-3k.html").read_text().split("<footer")[0]
    )
    assert not (site / "codecs" / "sqcodec-3k.html").exists()


def test_clips_of_another_data_set_are_not_the_ones_that_are_heard(results: Path) -> None:
    (results / "application" / "small").rename(results / "application" / "large")
    for path in (results / "application" / "large").iterdir():
        _change(path, lambda content: content.update(dataset="large"))
    site = write_site(results.parent / "site", results).parent
    assert "heard" not in (site / "tasks" / "sqcodec-3k.html").read_text()
    assert (
        "in the application suite</a>, on large"
        in (site / "codecs" / "sqcodec-3k.html").read_text()
    )
    asked = write_site(results.parent / "asked", results, "small").parent
    assert "Nothing was judged on small yet" in (asked / "application.html").read_text()


def test_the_codecs_page_leads_to_its_tasks(site: Path) -> None:
    assert 'href="../tasks/sqcodec-3k.html"' in (site / "codecs" / "sqcodec-3k.html").read_text()
    assert "../tasks/" not in (site / "codecs" / "opus-6k.html").read_text()


@pytest.mark.parametrize(
    "fields", [{"clips": [{"clip": "b1"}]}, {"scores": 3}, {"evaluator": "someone"}]
)
def test_a_file_that_does_not_fit_is_named_and_the_site_stays(
    site: Path, results: Path, fields: dict[str, object]
) -> None:
    _change(_stored(results), lambda content: content["tasks"][0].update(fields))
    with pytest.raises(StoredResultError, match=r"sqcodec-3k\.json: no result that can be read"):
        write_site(site, results)
    assert (site / "application.html").is_file()


def test_a_file_of_another_codec_is_refused(results: Path, tmp_path: Path) -> None:
    _stored(results).rename(_stored(results, "other"))
    with pytest.raises(StoredResultError, match="it is of the codec 'sqcodec-3k'"):
        write_site(tmp_path / "site", results)
