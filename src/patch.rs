//! Unified patches and the apply_patch dialects.
