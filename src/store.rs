//! Containers, scan, record cache, side files, following.
