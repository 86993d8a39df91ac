//! Patches of our own, and patches beside each other.
