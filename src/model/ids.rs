//! What counts and what points: newtypes so that a record is never a step and a 0-based line never a 1-based one.

use schemars::JsonSchema;
use serde::Serialize;

/// The place of a record among all records of the opened inputs, from 0, in the order of the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct RecordIx(pub usize);

/// The place of a step in its trajectory, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct StepIx(pub usize);

/// A line counted from 0, as in task instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct LineIx(pub usize);

/// A line counted from 1, as in patches and editors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct LineNo(pub usize);

/// A half-open range of bytes, counted from the start of the decompressed source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Span {
    /// First byte.
    pub start: u64,
    /// One past the last byte; never below `start`.
    pub end: u64,
}

impl Span {
    /// Makes the range `start..end`.
    pub fn new(start: u64, end: u64) -> Self {
        debug_assert!(start <= end, "a span runs forward");
        Self { start, end }
    }

    /// Length in bytes.
    pub fn len_bytes(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}
