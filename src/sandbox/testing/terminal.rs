//! Processes of this machine in the place of a sandbox's.
