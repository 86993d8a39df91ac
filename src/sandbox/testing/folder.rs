//! Files of a temporary folder in the place of a sandbox's.
