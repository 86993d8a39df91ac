//! Line and word diffs.
