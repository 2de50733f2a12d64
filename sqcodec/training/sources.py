"""Where the free training audio lies in Debian's packages, and what is never trained on.

`SOURCES` describes the training audio by rules: a package, a pattern over the paths in it,
and what a path says of its kind, speaker and language. The first rule that matches a path
decides. `HELD_OUT` names what the mini test set may use; a path that matches it is never a
training file, whatever `SOURCES` says. The split is by package and by voice:

- two recordings of one person are on one side, as far as packages tell who speaks. Debian
  credits the Spanish Asterisk prompts to the speaker of the English ones, which are held
  out, so the Spanish ones are on neither side;
- Hedgewars' voice packs reuse a few recordings: packs that share many are on the training
  side (`SAME_SPEAKER`); the ones that a held-out pack has in common with a training pack are
  on neither side (`SHARED_RECORDINGS`).

Speakers are labels as good as the packages allow: a voice pack or a language of a package
counts as one speaker where nobody is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

KINDS = ("speech", "music", "effects")
AUDIO_SUFFIXES = (".ogg", ".opus", ".wav", ".flac", ".g722")

_ASTERISK = r"usr/share/asterisk/sounds/"
_HEDGEWARS = r"usr/share/games/hedgewars/Data/"
_FILLETS = r"usr/share/games/fillets-ng/"
_FREEDROID = r"usr/share/freedroidrpg/data/"
_STAMPS = r"usr/share/tuxpaint/stamps/"

HELD_OUT_VOICE_PACKS = ("British", "Default_es", "HillBilly", "Mobster", "Pirate", "Singer")
HELD_OUT_LETTERS = ("de", "en_GB", "fr", "lt")


@dataclass(frozen=True)
class Source:
    """A rule: files of `package` whose path matches `pattern` are audio of this kind.

    `speaker` and `language` may use the pattern's named groups, as in ``hedgewars-{pack}``.
    A group that took no part in the match is empty, except `language`: what is not marked
    with a language is English in every package here.
    """

    package: str
    pattern: str
    kind: str
    licence: str
    speaker: str = ""
    language: str = ""


@dataclass(frozen=True)
class TrainingFile:
    """One file to train on. `group` is its speaker, or the track for music and effects."""

    path: Path
    relative_path: str
    package: str
    kind: str
    group: str
    speaker: str
    language: str
    licence: str


SOURCES: tuple[Source, ...] = (
    Source(
        "asterisk-core-sounds-fr-g722",
        _ASTERISK + "fr_CA_f_June/",
        "speech",
        "CC-BY-SA-3.0",
        "june-wallack",
        "fr",
    ),
    Source(
        "asterisk-core-sounds-ru-g722",
        _ASTERISK + "ru_RU_f_IvrvoiceRU/",
        "speech",
        "CC-BY-3.0",
        "ivrvoice-ru",
        "ru",
    ),
    # Names of stamps read aloud: <stamp>_desc_<language>.ogg, without a language in English.
    Source(
        "tuxpaint-stamps-default",
        _STAMPS + r".*_desc(_(?P<language>[A-Za-z_]+))?\.ogg",
        "speech",
        "GPL-2.0-only",
        "tuxpaint-{language}",
        "{language}",
    ),
    # Digits and letters read aloud.
    Source(
        "tuxpaint-stamps-default",
        _STAMPS + r"symbols/math/\d(_(?P<language>[A-Za-z_]+))?\.ogg",
        "speech",
        "GPL-2.0-only",
        "tuxpaint-{language}",
        "{language}",
    ),
    Source(
        "tuxpaint-stamps-default",
        _STAMPS + r"symbols/alphabets/english/",
        "speech",
        "GPL-2.0-only",
        "tuxpaint-letters-en",
        "en",
    ),
    Source(
        "tuxpaint-stamps-default",
        _STAMPS + r"symbols/alphabets/german/",
        "speech",
        "GPL-2.0-only",
        "tuxpaint-letters-de",
        "de",
    ),
    Source("tuxpaint-stamps-default", _STAMPS, "effects", "GPL-2.0-only"),
    # Acted dialogue. The small fish (m) and the big one (v) speak in every level; the other
    # characters belong to a level, so each level's are counted as one speaker.
    Source(
        "fillets-ng-data-cs",
        _FILLETS + r"sound/.*/cs/([^/]+-)?(?P<fish>[mv])-[^/]*\.ogg",
        "speech",
        "GPL-2.0-only",
        "fillets-{fish}",
        "cs",
    ),
    Source(
        "fillets-ng-data-cs",
        _FILLETS + r"sound/share/border/cs/sp-shout_small",
        "speech",
        "GPL-2.0-only",
        "fillets-m",
        "cs",
    ),
    Source(
        "fillets-ng-data-cs",
        _FILLETS + r"sound/share/border/cs/sp-shout_big",
        "speech",
        "GPL-2.0-only",
        "fillets-v",
        "cs",
    ),
    Source(
        "fillets-ng-data-cs",
        _FILLETS + r"sound/(?P<level>.*)/cs/",
        "speech",
        "GPL-2.0-only",
        "fillets-{level}",
        "cs",
    ),
    Source("fillets-ng-data", _FILLETS + "music/", "music", "GPL-2.0-only"),
    Source("fillets-ng-data", _FILLETS + "sound/", "effects", "GPL-2.0-only"),
    Source(
        "klettres-data",
        r"usr/share/klettres/(?P<language>[A-Za-z_]+)/",
        "speech",
        "GPL-2.0-or-later",
        "klettres-{language}",
        "{language}",
    ),
    Source(
        "hedgewars-data",
        _HEDGEWARS + r"Sounds/voices/(?P<pack>[A-Za-z]+(_(?P<language>[a-z]{2}))?)/",
        "speech",
        "GFDL-1.3-no-invariants-only",
        "hedgewars-{pack}",
        "{language}",
    ),
    Source("hedgewars-data", _HEDGEWARS + r"Sounds/Droplet", "effects", "CC-BY-SA-3.0"),
    Source("hedgewars-data", _HEDGEWARS + "Sounds/", "effects", "GFDL-1.3-no-invariants-only"),
    Source("hedgewars-data", _HEDGEWARS + "Music/", "music", "GPL-2.0-only"),
    Source("wesnoth-1.16-music", r"usr/share/games/wesnoth/", "music", "GPL-2.0-or-later"),
    Source("warzone2100-music", r"usr/share/games/warzone2100/music/", "music", "GPL-2.0-or-later"),
    Source("freedroidrpg-data", _FREEDROID + "sound/music/", "music", "GPL-2.0-or-later"),
    Source(
        "freedroidrpg-data",
        _FREEDROID + r"(sound/effects/bot_sounds/(?P<voice>voice_samples)/"
        r"|sound/effects/(?P<tux>tux_ingame_comments)/|.*/(?P<narrator>titles)/)",
        "speech",
        "GPL-2.0-or-later",
        "freedroid-{voice}{tux}{narrator}",
        "en",
    ),
    Source("freedroidrpg-data", _FREEDROID + "sound/effects/", "effects", "GPL-2.0-or-later"),
    Source("wesnoth-1.16-data", r"usr/share/games/wesnoth/", "effects", "GPL-2.0-or-later"),
    Source("megaglest-data", r"usr/share/games/megaglest/.*/music/", "music", "CC-BY-SA-3.0"),
    Source("megaglest-data", r"usr/share/games/megaglest/", "effects", "CC-BY-SA-3.0"),
    Source("minetest-data", r"usr/share/games/minetest/", "effects", "CC-BY-SA-3.0"),
    Source("colobot-common-sounds", r"usr/share/games/colobot/music/", "music", "GPL-3.0-or-later"),
    Source(
        "colobot-common-sounds", r"usr/share/games/colobot/sounds/", "effects", "GPL-3.0-or-later"
    ),
)

# (package, pattern): test material. A package with an empty pattern is held out as a whole.
HELD_OUT: tuple[tuple[str, str], ...] = (
    ("pocketsphinx-testdata", ""),
    ("moonshine-voice", ""),
    ("asterisk-core-sounds-en-g722", ""),
    ("asterisk-core-sounds-it-g722", ""),
    ("frozen-bubble-data", ""),
    ("sonic-pi-samples", ""),
    ("ktuberling-data", ""),
    ("hedgewars-data", _HEDGEWARS + rf"Sounds/voices/({'|'.join(HELD_OUT_VOICE_PACKS)})/"),
    ("klettres-data", rf"usr/share/klettres/({'|'.join(HELD_OUT_LETTERS)})/"),
)

# Voice packs that share recordings are one speaker's, for the validation split's sake.
SAME_SPEAKER = {
    "hedgewars-Classic": "hedgewars-Default",
    "hedgewars-Default_uk": "hedgewars-Default",
    "hedgewars-Default_pl": "hedgewars-Russian_pl",
}

# Recordings of training packs that a held-out pack has too: HillBilly's moan is Default's,
# and Mobster's Ooff2 correlates with Russian's (0.74) more than two performances do.
SHARED_RECORDINGS: tuple[tuple[str, str], ...] = (
    ("hedgewars-data", _HEDGEWARS + r"Sounds/voices/[A-Za-z_]+/PoisonMoan\.ogg"),
    ("hedgewars-data", _HEDGEWARS + r"Sounds/voices/Russian/Ooff2\.ogg"),
)


def is_held_out(package: str, relative_path: str) -> bool:
    """Whether a file, by its path inside its package, belongs to the test material."""
    return _matches(HELD_OUT, package, relative_path)


def packages() -> tuple[str, ...]:
    """The Debian packages that hold the training audio, in the order of `SOURCES`."""
    return tuple(dict.fromkeys(source.package for source in SOURCES))


def training_file(package: str, root: Path, relative_path: str) -> TrainingFile | None:
    """What the rules say of one path of a package unpacked at `root`; None: not trained on."""
    if PurePosixPath(relative_path).suffix.lower() not in AUDIO_SUFFIXES:
        return None
    if _matches(HELD_OUT + SHARED_RECORDINGS, package, relative_path):
        return None
    for source in SOURCES:
        match = re.match(source.pattern, relative_path) if source.package == package else None
        if match:
            names = {name: value or "" for name, value in match.groupdict().items()}
            names["language"] = names.get("language") or "en"
            speaker = source.speaker.format(**names)
            speaker = SAME_SPEAKER.get(speaker, speaker)
            return TrainingFile(
                root / relative_path,
                relative_path,
                package,
                source.kind,
                speaker or f"{package}/{PurePosixPath(relative_path).stem}",
                speaker,
                source.language.format(**names),
                source.licence,
            )
    return None


def training_files(package: str, root: Path) -> Iterator[TrainingFile]:
    """The training files of a package unpacked at `root`, in the order of their paths."""
    for path in sorted(root.rglob("*")):
        file = training_file(package, root, path.relative_to(root).as_posix())
        if file is not None and path.is_file():
            yield file


def _matches(rules: tuple[tuple[str, str], ...], package: str, relative_path: str) -> bool:
    return any(name == package and re.match(rule, relative_path) for name, rule in rules)
