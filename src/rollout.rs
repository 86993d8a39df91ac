//! The smallest honest agent: attempts tasks in a sandbox with a model's help, and writes what happened as trajectories.
