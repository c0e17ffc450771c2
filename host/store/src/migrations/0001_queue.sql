-- Raw events, subjects, effects with their leases, and the leaves of the log.
-- Times are milliseconds since the Unix epoch, as the callers gave them.

-- Where events come from. `pruned` is the highest position whose event was pruned: it and all
-- below count as stored.
CREATE TABLE sources (
    name TEXT PRIMARY KEY,
    cursor INTEGER CHECK (cursor >= 0),
    pruned INTEGER CHECK (pruned >= 0)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: the id of a pruned event is never given to another one.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL REFERENCES sources (name),
    position INTEGER CHECK (position >= 0),
    received_ms INTEGER NOT NULL,
    handled_ms INTEGER,
    ignored TEXT CHECK (ignored IS NULL OR handled_ms IS NOT NULL),
    size INTEGER NOT NULL CHECK (size = length(body)),
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_position ON events (source, position) WHERE position IS NOT NULL;
CREATE INDEX events_pending ON events (id) WHERE handled_ms IS NULL;
CREATE INDEX events_handled ON events (handled_ms, id, size) WHERE handled_ms IS NOT NULL;

CREATE TABLE subjects (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    seq INTEGER NOT NULL CHECK (seq >= 1),
    updated_ms INTEGER NOT NULL,
    state BLOB NOT NULL
) STRICT;
CREATE INDEX subjects_kind ON subjects (kind, key);
CREATE INDEX subjects_recent ON subjects (kind, updated_ms, key);

-- A lease that ran out stays 'leased' until it is taken over: its runner may still be at it, so
-- its lane stays closed to others. `cancel_requested` on a leased effect is the wish of the
-- subject; only the runner can end it. `leaves_before` counts the log's leaves up to and with the
-- transaction that made the effect.
CREATE TABLE effects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL REFERENCES subjects (key),
    kind TEXT NOT NULL,
    lane TEXT,
    priority INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'leased', 'done', 'cancelled')),
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    not_before_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    fence INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
    worker TEXT,
    lease_until_ms INTEGER,
    error TEXT,
    made_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    leaves_before INTEGER NOT NULL CHECK (leaves_before >= 0),
    body BLOB NOT NULL,
    CHECK ((status = 'leased') = (worker IS NOT NULL)),
    CHECK ((status = 'leased') = (lease_until_ms IS NOT NULL)),
    CHECK ((status IN ('done', 'cancelled')) = (ended_ms IS NOT NULL))
) STRICT;
CREATE INDEX effects_open ON effects (kind, priority DESC, number)
    WHERE status IN ('waiting', 'leased');
CREATE UNIQUE INDEX effects_lane ON effects (lane) WHERE status = 'leased' AND lane IS NOT NULL;
CREATE INDEX effects_due ON effects (not_before_ms) WHERE status = 'waiting';
CREATE INDEX effects_lease_end ON effects (lease_until_ms) WHERE status = 'leased';
CREATE INDEX effects_worker ON effects (worker) WHERE status = 'leased';
CREATE INDEX effects_subject ON effects (subject, number);

CREATE TABLE leaves (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    added_ms INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- 'fence': the last fence given out, over all effects. 'logged': how many leaves the log has.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('fence', 0), ('logged', 0);
