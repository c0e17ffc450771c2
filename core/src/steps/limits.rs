//! Bounds of the verb `steps`, each with its reason.

/// Most steps of one preview. Pulumi's own state files get unusable at some 10,000 resources, and a
/// plan of more steps than this is nothing that a person can approve.
pub const STEPS: usize = 20_000;

/// Most resources of a state, a saved plan or a gate's list. A stack that shrinks to nothing lists
/// each of them once, and its replaced rows once more.
pub const RESOURCES: usize = 2 * STEPS;

/// Most lines of an event log: each step writes two events, and debug messages take the rest.
pub const EVENT_LINES: usize = 20 * STEPS;

/// Most property dependencies that are written for unknown values, over all steps. An unknown
/// repeats the list of its property, so a small input could ask for a large output.
pub const DEPENDENCIES: usize = 200_000;

/// Deepest nesting of one property value. A value is escaped with at most one object per level, and
/// stands at most eight levels deep in the steps: so what is written can be read again within
/// [`crate::limits::JSON_DEPTH`].
pub const VALUE_DEPTH: usize = 48;

/// Most markers that one preview may have planted: the unknown outputs of the stacks it reads.
pub const MARKERS: usize = 1_000;

/// Most places where markers are looked up in one preview. Each costs a comparison with every
/// planted marker.
pub const MARKER_PLACES: usize = 20_000;

/// Longest URN, in bytes. It repeats the types of all parents; cloud names end at a few hundred.
pub const URN_BYTES: usize = 4_096;
