//! What statistics count of a trajectory: one row of the table of behaviours.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::behave::component::weightiest;
use crate::behave::course::Act;
use crate::behave::course::Check;
use crate::behave::course::Course;
use crate::behave::file::is_same_file;
use crate::behave::flags::patch_changes_source;
use crate::model::Component;
use crate::model::StepKind;
use crate::model::Value;

/// Stretches into which the life of a trajectory is cut.
pub const BINS: usize = 10;

/// Counts by component, in the order of [`Component::ALL`].
pub type ByComponent = [usize; Component::ALL.len()];

/// How the change lies to the known answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// It touches a file of the answer and is said to solve the task.
    RightFix,
    /// It touches a file of the answer and is said not to solve the task.
    RightFileWrongFix,
    /// It touches a file of the answer; nobody said whether it solves the task.
    RightFile,
    /// It changes source, but no file of the answer.
    WrongFile,
    /// It changes no source.
    NoSource,
}

/// The figures of one trajectory. Children are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// Model responses.
    pub agent_steps: usize,
    /// Tool calls.
    pub actions: usize,
    /// Responses by component, in the order reasoning, exploration, implementation, verification, execution.
    pub steps_by_component: ByComponent,
    /// Tool calls by component, in the same order.
    pub actions_by_component: ByComponent,
    /// The same of responses for each tenth of the trajectory's life. Short trajectories leave tenths empty.
    pub course: [ByComponent; BINS],
    /// Responses that run code: tests, scripts, snippets, programs of the workspace.
    pub code_steps: usize,
    /// Responses that run a test program.
    pub test_steps: usize,
    /// Calls that run code before the first source edit; `None` without a source edit.
    pub runs_before_first_edit: Option<usize>,
    /// Calls that run code after the last source edit; `None` without a source edit.
    pub runs_after_last_edit: Option<usize>,
    /// How often a real check failed, then source was edited, then a real check passed.
    pub fail_edit_pass: usize,
    /// The step of the first source edit.
    pub first_edit: Option<usize>,
    /// The step of the last source edit.
    pub last_edit: Option<usize>,
    /// The step of the first run of a test program.
    pub first_test: Option<usize>,
    /// Calls that change files, failed ones included.
    pub edits: usize,
    /// Of those, the ones that failed.
    pub failed_edits: usize,
    /// How the change lies to the known answer; `None` where no answer is known or no change is recorded.
    pub aim: Option<Aim>,
}

/// Counts. Linear in the trajectory.
pub(in crate::behave) fn table(course: &Course<'_>, components: &[Option<Component>]) -> Table {
    let acts = &course.acts;
    let mut table = Table {
        actions: acts.len(),
        aim: aim(course),
        ..Table::default()
    };
    let responses: Vec<Component> = components.iter().copied().flatten().collect();
    table.agent_steps = course
        .trajectory
        .steps
        .iter()
        .filter(|step| step.kind == StepKind::Agent)
        .count();
    for (ix, component) in responses.iter().enumerate() {
        count(&mut table.steps_by_component, *component);
        if let Some(bin) = table.course.get_mut(ix * BINS / responses.len().max(1)) {
            count(bin, *component);
        }
    }
    for act in acts {
        count(&mut table.actions_by_component, act.component);
    }
    table.code_steps = steps_where(acts, |act| act.runs_code);
    table.test_steps = steps_where(acts, |act| act.is_test);
    let runs = |acts: &[Act<'_>]| acts.iter().filter(|act| act.runs_code).count();
    let first = acts.iter().position(Act::edits_source);
    table.runs_before_first_edit = first.and_then(|at| acts.get(..at)).map(runs);
    table.runs_after_last_edit = course.after_last_edit().map(runs);
    let step = |at: Option<usize>| at.and_then(|at| acts.get(at)).map(|act| act.step);
    table.first_edit = step(first);
    table.last_edit = step(course.last_edit());
    table.first_test = acts.iter().find(|act| act.is_test).map(|act| act.step);
    table.edits = acts.iter().filter(|act| !act.changes.is_empty()).count();
    let failed = |act: &&Act<'_>| act.changes.iter().any(|change| change.has_failed);
    table.failed_edits = acts.iter().filter(failed).count();
    table.fail_edit_pass = fail_edit_pass(acts);
    table
}

impl Table {
    /// Calls of this component, of all calls; `None` without a call.
    pub fn share(&self, component: Component) -> Option<f64> {
        let place = Component::ALL
            .iter()
            .position(|other| *other == component)?;
        let count = self.actions_by_component.get(place)?;
        #[expect(clippy::cast_precision_loss, reason = "counts of calls fit a double")]
        let share = (self.actions > 0).then(|| *count as f64 / self.actions as f64);
        share
    }
}

fn count(by: &mut ByComponent, component: Component) {
    let place = Component::ALL.iter().position(|other| *other == component);
    if let Some(number) = place.and_then(|place| by.get_mut(place)) {
        *number += 1;
    }
}

fn steps_where(acts: &[Act<'_>], is_it: impl Fn(&Act<'_>) -> bool) -> usize {
    let mut steps: Vec<usize> = acts
        .iter()
        .filter(|act| is_it(act))
        .map(|act| act.step)
        .collect();
    steps.dedup();
    steps.len()
}

fn fail_edit_pass(acts: &[Act<'_>]) -> usize {
    let (mut has_failed, mut has_edited, mut times) = (false, false, 0);
    for act in acts {
        has_edited |= has_failed && act.edits_source();
        if act.check != Check::Real {
            continue;
        }
        if act.has_failed {
            (has_failed, has_edited) = (true, false);
        } else {
            times += usize::from(has_failed && has_edited);
            (has_failed, has_edited) = (false, false);
        }
    }
    times
}

/// Where the answer is known: by the gold patch, or by the target that a task names.
fn aim(course: &Course<'_>) -> Option<Aim> {
    // answers of thousands of files are not looked through for each file of the change
    const MOST: usize = 200;
    let task = course.trajectory.task.as_ref()?;
    let patch = course.trajectory.final_patch.as_deref()?;
    let mut wanted: Vec<&str> = task.gold_patch.as_deref().map(files_of).unwrap_or_default();
    if let Some(instance) = task.instance.as_deref().filter(|_| wanted.is_empty()) {
        let many = instance.get("functions").and_then(Value::as_array);
        let targets = many.map_or(std::slice::from_ref(instance), Vec::as_slice);
        wanted.extend(
            targets
                .iter()
                .filter_map(|target| target.get("file_path").and_then(Value::as_str)),
        );
    }
    if wanted.is_empty() {
        return None;
    }
    let is_hit = files_of(patch).iter().take(MOST).any(|path| {
        wanted
            .iter()
            .take(MOST)
            .any(|other| is_same_file(path, other))
    });
    Some(match course.trajectory.outcome.resolved {
        _ if !is_hit && patch_changes_source(patch) => Aim::WrongFile,
        _ if !is_hit => Aim::NoSource,
        Some(true) => Aim::RightFix,
        Some(false) => Aim::RightFileWrongFix,
        None => Aim::RightFile,
    })
}

/// The files that a patch names, by their heading lines.
fn files_of(patch: &str) -> Vec<&str> {
    let names = patch.lines().filter_map(|line| {
        line.strip_prefix("+++ b/")
            .or_else(|| line.strip_prefix("--- a/"))
    });
    let mut names: Vec<&str> = names
        .map(|name| name.split('\t').next().unwrap_or(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The component of each step: that of its weightiest action; a response without one reasons.
pub(in crate::behave) fn components(course: &Course<'_>) -> Vec<Option<Component>> {
    let mut acts = course.acts.iter().peekable();
    let steps = course.trajectory.steps.iter().zip(0..);
    steps
        .map(|(step, at)| {
            let mut own = Vec::new();
            while let Some(act) = acts.next_if(|act| act.step == at) {
                own.push(act.component);
            }
            let is_agent = step.kind == StepKind::Agent;
            is_agent.then(|| weightiest(own).unwrap_or(Component::Reasoning))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behave::examine;
    use crate::behave::tests::Run;
    use crate::cancel::Cancel;
    use crate::model::Trajectory;

    fn of(trajectory: &Trajectory) -> Table {
        examine(trajectory, &Cancel::new()).table
    }

    #[test]
    fn figures() {
        let run = Run::issue()
            .shell("ls", "x", 0)
            .shell("python repro.py", "x", 1)
            .shell("pytest", "1 failed in 1s", 1)
            .failing_edit("src/a.py")
            .edit("src/a.py", "x", "y")
            .shell("pytest", "1 passed in 1s", 0)
            .finish("ok");
        let table = of(&run.read());
        assert_eq!((table.agent_steps, table.actions), (7, 7));
        assert_eq!(table.steps_by_component, [1, 1, 2, 3, 0]);
        assert_eq!(table.actions_by_component, [1, 1, 2, 3, 0]);
        assert_eq!((table.code_steps, table.test_steps), (3, 2));
        assert_eq!(
            (table.runs_before_first_edit, table.runs_after_last_edit),
            (Some(2), Some(1))
        );
        assert_eq!(
            (table.first_edit, table.last_edit, table.first_test),
            (Some(5), Some(5), Some(3))
        );
        assert_eq!(
            (table.edits, table.failed_edits, table.fail_edit_pass),
            (2, 1, 1)
        );
        let all: usize = table.course.iter().flatten().sum();
        assert_eq!(all, 7);
        assert_eq!(of(&Trajectory::default()), Table::default());
    }

    #[track_caller]
    fn check(patch: &str, gold: Option<&str>, resolved: Option<bool>, want: Option<Aim>) {
        let mut trajectory = Run::issue().edit("src/a.py", "x", "y").patch(patch).read();
        if let Some(task) = &mut trajectory.task {
            task.gold_patch = gold.map(Into::into);
        }
        trajectory.outcome.resolved = resolved;
        assert_eq!(of(&trajectory).aim, want);
    }

    #[test]
    fn aims() {
        let patch = "--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-x\n+y\n";
        check(patch, Some(patch), Some(true), Some(Aim::RightFix));
        check(
            patch,
            Some(patch),
            Some(false),
            Some(Aim::RightFileWrongFix),
        );
        check(patch, Some(patch), None, Some(Aim::RightFile));
        check(
            &patch.replace("a.py", "b.py"),
            Some(patch),
            Some(false),
            Some(Aim::WrongFile),
        );
        check("", Some(patch), Some(false), Some(Aim::NoSource));
        check(patch, None, Some(false), None);
    }
}
