//! What the intake hands over.

/// Events in the order in which they came, to be made durable together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where they come from.
    pub source: Source,
    /// The events, raw. There may be none, when only a gap is told.
    pub events: Vec<RawEvent>,
    /// Whether events may be missing before these, and why.
    pub gap: Option<Gap>,
    /// Where to go on after these, for sources that can: to be kept together with the events.
    pub position: Option<Position>,
}

/// One event as Gerrit wrote it: a hint, not a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEvent {
    /// Its number in its journal.
    pub seq: Option<u64>,
    /// Its bytes. They may be anything: malformed lines are handed over too.
    pub bytes: Vec<u8>,
}

/// Where events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The plugin's journal.
    Journal,
    /// The SSH stream.
    Ssh,
}

/// A place in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The journal's UUID: a new one is begun when the old one is lost.
    pub journal: String,
    /// The last event that was made durable; 0 before the first.
    pub seq: u64,
}

/// Why events may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The intake began without a position.
    Started,
    /// A connection was made anew; what happened since the last one wasn't seen.
    Connected,
    /// The journal is another one than before, or went back.
    NewJournal,
    /// The journal doesn't have these events any more, both included.
    Missing {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Gerrit said that it dropped events.
    Dropped,
    /// An event was too large to be taken.
    TooLarge,
}
