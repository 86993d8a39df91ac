//! What agents do: the component of each step, the flags, and the figures that statistics count.
//!
//! Pure: a trajectory in, a [`Behaviour`] out, in time linear in the trajectory. Rules are approximations in words that
//! stand with each rule; how often they are right is counted against labels made by hand (`tests/it/behaviour.rs`).
//! Only the main trajectory is judged: children (sub-agents, branches) are trajectories of their own, and [`examine`]
//! takes them as such.

mod code;
mod command;
mod component;
mod course;
mod file;
pub mod flags;
pub mod table;
mod task;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::behave::course::Course;
use crate::behave::table::Table;
use crate::cancel::Cancel;
use crate::model::Component;
use crate::model::Flag;
use crate::model::Trajectory;

/// What kept results are of: changes with every release, and by hand where rules change between releases.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/2");

/// Whether a file of a repository is a test or belongs to one, by its name and its folders.
pub fn is_test_file(path: &str) -> bool {
    file::role(path, false) == file::Role::Test
}

/// What was found out about one trajectory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Behaviour {
    /// By step; `None` for steps that are not the model's.
    pub components: Vec<Option<Component>>,
    /// All flags, those that are off by default too, by step; those of the record as a whole last.
    pub flags: Vec<Flag>,
    /// The figures.
    pub table: Table,
}

/// Examines a trajectory. When cancelled, what was left out is missing from the result.
pub fn examine(trajectory: &Trajectory, cancel: &Cancel) -> Behaviour {
    let course = Course::of(trajectory, cancel);
    let components = table::components(&course);
    Behaviour {
        flags: if cancel.is_cancelled() {
            Vec::new()
        } else {
            flags::find(&course)
        },
        table: table::table(&course, &components),
        components,
    }
}
