//! Base states from every source.
