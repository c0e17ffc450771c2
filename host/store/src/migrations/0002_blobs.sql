-- Blobs by digest, and who refers to them until when.

CREATE TABLE blobs (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    secret INTEGER NOT NULL CHECK (secret IN (0, 1)),
    put_ms INTEGER NOT NULL,
    size INTEGER NOT NULL CHECK (size = length(body)),
    body BLOB NOT NULL
) STRICT;
CREATE INDEX blobs_age ON blobs (put_ms, digest, size);

-- `until_ms` NULL: until the subject says otherwise.
CREATE TABLE blob_refs (
    digest BLOB NOT NULL REFERENCES blobs (digest),
    subject TEXT NOT NULL REFERENCES subjects (key),
    until_ms INTEGER,
    PRIMARY KEY (digest, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_refs_subject ON blob_refs (subject, digest);
CREATE INDEX blob_refs_until ON blob_refs (until_ms) WHERE until_ms IS NOT NULL;
