"""The tables of the store, as SQL."""

from __future__ import annotations

SCHEMA_VERSION = 2

TABLES = """
CREATE TABLE cells (
    suite            TEXT NOT NULL,
    dataset          TEXT NOT NULL,
    dataset_revision TEXT NOT NULL,
    codec            TEXT NOT NULL,
    codec_revision   TEXT NOT NULL,
    reader           TEXT NOT NULL,
    resampler        TEXT NOT NULL,
    clip             TEXT NOT NULL,
    clip_sha256      TEXT NOT NULL,
    metric           TEXT NOT NULL,
    metric_version   TEXT NOT NULL,
    value            REAL,
    unit             TEXT NOT NULL,
    error            TEXT,
    seconds          REAL NOT NULL,
    host             TEXT NOT NULL,
    libraries        TEXT NOT NULL,
    measured_at      TEXT NOT NULL,
    PRIMARY KEY (suite, dataset, dataset_revision, codec, codec_revision, reader, resampler,
                 clip, clip_sha256, metric, metric_version),
    CHECK ((value IS NULL) <> (error IS NULL))
) WITHOUT ROWID;

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
