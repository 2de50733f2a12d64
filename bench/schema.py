"""The tables of the store, as SQL.

A full benchmark has millions of cells, whose keys are long texts that repeat. So the texts are
kept once, in tables of their own, and a row of `scores` has their numbers; the view `cells` has
them together again, a row a cell. Its CROSS JOINs fix the order of SQLite's loops, so that the
cells of a source and a clip are looked up, not searched for among all of the source. Rows of
`sources`, `clips`, `metrics` and `origins` are never changed or removed.
"""

from __future__ import annotations

SCHEMA_VERSION = 3

_SCORES = """
CREATE TABLE sources (
    id               INTEGER PRIMARY KEY,
    suite            TEXT NOT NULL,
    dataset          TEXT NOT NULL,
    dataset_revision TEXT NOT NULL,
    codec            TEXT NOT NULL,
    codec_revision   TEXT NOT NULL,
    reader           TEXT NOT NULL,
    resampler        TEXT NOT NULL,
    UNIQUE (suite, dataset, dataset_revision, codec, codec_revision, reader, resampler)
);

CREATE TABLE clips (
    id               INTEGER PRIMARY KEY,
    clip             TEXT NOT NULL,
    clip_sha256      TEXT NOT NULL,
    UNIQUE (clip, clip_sha256)
);

CREATE TABLE metrics (
    id               INTEGER PRIMARY KEY,
    metric           TEXT NOT NULL,
    metric_version   TEXT NOT NULL,
    UNIQUE (metric, metric_version)
);

CREATE TABLE origins (
    id               INTEGER PRIMARY KEY,
    unit             TEXT NOT NULL,
    host             TEXT NOT NULL,
    libraries        TEXT NOT NULL,
    UNIQUE (unit, host, libraries)
);

CREATE TABLE scores (
    source_id        INTEGER NOT NULL,
    clip_id          INTEGER NOT NULL,
    metric_id        INTEGER NOT NULL,
    value            REAL,
    error            TEXT,
    seconds          REAL NOT NULL,
    origin_id        INTEGER NOT NULL,
    measured_at      TEXT NOT NULL,
    PRIMARY KEY (source_id, clip_id, metric_id),
    CHECK ((value IS NULL) <> (error IS NULL))
) WITHOUT ROWID;

CREATE VIEW cells AS
SELECT suite, dataset, dataset_revision, codec, codec_revision, reader, resampler, clip,
       clip_sha256, metric, metric_version, value, unit, error, seconds, host, libraries,
       measured_at
FROM sources CROSS JOIN clips
     CROSS JOIN scores ON source_id = sources.id AND clip_id = clips.id
     JOIN metrics ON metrics.id = metric_id JOIN origins ON origins.id = origin_id;
"""

_CODES_AND_DELAYS = """
CREATE TABLE codes (
    codec            TEXT NOT NULL,
    codec_revision   TEXT NOT NULL,
    reader           TEXT NOT NULL,
    resampler        TEXT NOT NULL,
    clip_sha256      TEXT NOT NULL,
    n_codebooks      INTEGER NOT NULL,
    codes            BLOB NOT NULL,
    PRIMARY KEY (codec, codec_revision, reader, resampler, clip_sha256)
);

CREATE TABLE delays (
    codec            TEXT NOT NULL,
    codec_revision   TEXT NOT NULL,
    version          TEXT NOT NULL,
    samples          INTEGER,
    sample_rate      INTEGER NOT NULL,
    correlation      REAL,
    error            TEXT NOT NULL,
    PRIMARY KEY (codec, codec_revision, version),
    CHECK ((samples IS NULL) = (error <> ''))
) WITHOUT ROWID;
"""

TABLES = _SCORES + _CODES_AND_DELAYS

# A store of version 2 had a table `cells` of whole rows; this is run in one transaction.
FROM_VERSION_2 = (
    "ALTER TABLE cells RENAME TO whole_cells;"
    + _SCORES
    + """
INSERT INTO sources (suite, dataset, dataset_revision, codec, codec_revision, reader, resampler)
SELECT DISTINCT suite, dataset, dataset_revision, codec, codec_revision, reader, resampler
FROM whole_cells;

INSERT INTO clips (clip, clip_sha256) SELECT DISTINCT clip, clip_sha256 FROM whole_cells;

INSERT INTO metrics (metric, metric_version)
SELECT DISTINCT metric, metric_version FROM whole_cells;

INSERT INTO origins (unit, host, libraries)
SELECT DISTINCT unit, host, libraries FROM whole_cells;

INSERT INTO scores
SELECT sources.id, clips.id, metrics.id, value, error, seconds, origins.id, measured_at
FROM whole_cells
     JOIN sources USING (suite, dataset, dataset_revision, codec, codec_revision, reader, resampler)
     JOIN clips USING (clip, clip_sha256)
     JOIN metrics USING (metric, metric_version)
     JOIN origins USING (unit, host, libraries);

DROP TABLE whole_cells;
"""
)

# Stores of this schema may have been made before there were these.
LATER_TABLES = """
CREATE TABLE IF NOT EXISTS certificates (
    codec            TEXT NOT NULL,
    codec_revision   TEXT NOT NULL,
    version          TEXT NOT NULL,
    passed           INTEGER NOT NULL,
    checks           TEXT NOT NULL,
    verified_at      TEXT NOT NULL,
    PRIMARY KEY (codec, codec_revision, version)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS evidence (
    codec              TEXT NOT NULL,
    codec_revision     TEXT NOT NULL,
    evaluator          TEXT NOT NULL,
    evaluator_revision TEXT NOT NULL,
    reader             TEXT NOT NULL,
    resampler          TEXT NOT NULL,
    clip_sha256        TEXT NOT NULL,
    clip               TEXT NOT NULL,
    evidence           BLOB,
    error              TEXT,
    bits               REAL,
    duration_s         REAL,
    seconds            REAL NOT NULL,
    host               TEXT NOT NULL,
    judged_at          TEXT NOT NULL,
    PRIMARY KEY (codec, codec_revision, evaluator, evaluator_revision, reader, resampler,
                 clip_sha256),
    CHECK ((evidence IS NULL) <> (error IS NULL))
);
"""
