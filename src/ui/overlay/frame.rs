//! The box that overlays are drawn in.
