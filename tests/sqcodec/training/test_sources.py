"""What is trained on, what is held out, and what a path says of its recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqcodec.training.sources import (
    HELD_OUT,
    HELD_OUT_LETTERS,
    HELD_OUT_VOICE_PACKS,
    KINDS,
    SOURCES,
    is_held_out,
    packages,
    training_file,
    training_files,
)

VOICES = "usr/share/games/hedgewars/Data/Sounds/voices"
STAMPS = "usr/share/tuxpaint/stamps"
FISH = "usr/share/games/fillets-ng/sound"


def test_the_split_by_package_and_voice() -> None:
    whole = {package for package, pattern in HELD_OUT if not pattern}
    assert whole == {
        "pocketsphinx-testdata",
        "moonshine-voice",
        "asterisk-core-sounds-en-g722",
        "asterisk-core-sounds-it-g722",
        "frozen-bubble-data",
        "sonic-pi-samples",
        "ktuberling-data",
    }
    assert whole.isdisjoint(packages())
    assert len(set(HELD_OUT_VOICE_PACKS)) == 6
    assert len(set(HELD_OUT_LETTERS)) == 4


def test_the_speaker_of_the_held_out_english_prompts_is_not_trained_on() -> None:
    assert "asterisk-core-sounds-es-g722" not in packages()


@pytest.mark.parametrize(
    ("package", "path", "kind", "speaker", "language"),
    [
        (
            "asterisk-core-sounds-fr-g722",
            "usr/share/asterisk/sounds/fr_CA_f_June/digits/1.g722",
            "speech",
            "june-wallack",
            "fr",
        ),
        ("hedgewars-data", f"{VOICES}/Surfer/Boring.ogg", "speech", "hedgewars-Surfer", "en"),
        ("hedgewars-data", f"{VOICES}/Default_uk/Hmm.ogg", "speech", "hedgewars-Default", "uk"),
        ("hedgewars-data", "usr/share/games/hedgewars/Data/Sounds/bee.ogg", "effects", "", ""),
        ("hedgewars-data", "usr/share/games/hedgewars/Data/Music/Art.ogg", "music", "", ""),
        ("klettres-data", "usr/share/klettres/pt_BR/alpha/n.ogg", "speech", None, "pt_BR"),
        ("tuxpaint-stamps-default", f"{STAMPS}/a/cat_desc_fr.ogg", "speech", "tuxpaint-fr", "fr"),
        ("tuxpaint-stamps-default", f"{STAMPS}/a/cat_desc.ogg", "speech", "tuxpaint-en", "en"),
        ("tuxpaint-stamps-default", f"{STAMPS}/symbols/math/7.ogg", "speech", "tuxpaint-en", "en"),
        ("tuxpaint-stamps-default", f"{STAMPS}/symbols/math/7_zh_tw.ogg", "speech", None, "zh_tw"),
        ("tuxpaint-stamps-default", f"{STAMPS}/animals/cat.ogg", "effects", "", ""),
        ("fillets-ng-data-cs", f"{FISH}/gods/cs/lod-m-co.ogg", "speech", "fillets-m", "cs"),
        ("fillets-ng-data-cs", f"{FISH}/rush/cs/v-chytra.ogg", "speech", "fillets-v", "cs"),
        ("fillets-ng-data-cs", f"{FISH}/gods/cs/b1-a.ogg", "speech", "fillets-gods", "cs"),
        (
            "fillets-ng-data-cs",
            f"{FISH}/share/border/cs/sp-shout_big_00.ogg",
            "speech",
            "fillets-v",
            "cs",
        ),
        ("megaglest-data", "usr/share/games/megaglest/a/music/b.ogg", "music", "", ""),
    ],
)
def test_what_a_path_says(
    package: str, path: str, kind: str, speaker: str | None, language: str
) -> None:
    file = training_file(package, Path("/root"), path)
    assert file is not None
    assert (file.kind, file.language) == (kind, language)
    if speaker is not None:
        assert file.speaker == speaker
    assert file.path == Path("/root") / path
    assert file.group == (file.speaker or f"{package}/{Path(path).stem}")


@pytest.mark.parametrize(
    ("package", "path"),
    [
        *[("hedgewars-data", f"{VOICES}/{pack}/Boring.ogg") for pack in HELD_OUT_VOICE_PACKS],
        *[("klettres-data", f"usr/share/klettres/{x}/alpha/b.ogg") for x in HELD_OUT_LETTERS],
        ("sonic-pi-samples", "usr/share/sonic-pi/samples/bd_808.flac"),
        ("moonshine-voice", "moonshine_voice/assets/two_cities.wav"),
    ],
)
def test_held_out_files_are_not_trained_on(package: str, path: str) -> None:
    assert is_held_out(package, path)
    assert training_file(package, Path("/"), path) is None


def test_a_longer_name_is_another_voice() -> None:
    """en_GB, say, is held out and en is not."""
    assert not is_held_out("klettres-data", "usr/share/klettres/en/alpha/b.ogg")
    assert not is_held_out("hedgewars-data", f"{VOICES}/British_pl/Boring.ogg")


def test_recordings_shared_with_held_out_packs_are_on_neither_side() -> None:
    path = f"{VOICES}/Default/PoisonMoan.ogg"
    assert training_file("hedgewars-data", Path("/"), path) is None
    assert not is_held_out("hedgewars-data", path)


def test_files_of_a_package_in_order_without_other_files(tmp_path: Path) -> None:
    for name in ("Surfer/b.ogg", "Surfer/a.ogg", "British/a.ogg", "Surfer/credits.txt"):
        path = tmp_path / VOICES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / VOICES / "Surfer" / "folder.ogg").mkdir()
    found = [file.path.name for file in training_files("hedgewars-data", tmp_path)]
    assert found == ["a.ogg", "b.ogg"]


def test_kinds_and_licences_of_the_table() -> None:
    assert {source.kind for source in SOURCES} == set(KINDS)
    assert all(source.licence for source in SOURCES)
