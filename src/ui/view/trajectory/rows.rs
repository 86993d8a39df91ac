//! The rows of the step list: the task, the steps with their children where they belong, the end.

use crate::model::RecordIx;
use crate::model::Step;
use crate::model::StepIx;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::ui::page::Subject;

/// A row of the step list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Which child of which child; empty in the trajectory itself.
    pub(super) path: Vec<usize>,
    /// What it is about.
    pub(super) subject: Subject,
    /// Steps it stands for: more than one where bookkeeping is folded into its first step.
    pub(super) run: usize,
}

impl Row {
    /// A row for one thing.
    pub(super) fn new(path: Vec<usize>, subject: Subject) -> Self {
        Self {
            path,
            subject,
            run: 1,
        }
    }

    /// The way to the child it is in, or that it stands for.
    pub(super) fn children(&self) -> Vec<usize> {
        let mut children = self.path.clone();
        if let Subject::Child(ix) = self.subject {
            children.push(ix);
        }
        children
    }

    /// Whether it shows, or stands for, the subject.
    pub(super) fn covers(&self, path: &[usize], subject: Subject) -> bool {
        let is_in_run = match (self.subject, subject) {
            (Subject::Step(first), Subject::Step(step)) => {
                (first.0..first.0 + self.run).contains(&step.0)
            }
            _ => false,
        };
        self.path == path && (self.subject == subject || is_in_run)
    }
}

/// The children and runs of bookkeeping that are unfolded.
#[derive(Debug, Clone, Default)]
pub(super) struct Unfolded {
    paths: Vec<Vec<usize>>,
    /// Runs by the child they are in and their first step.
    runs: Vec<(Vec<usize>, usize)>,
    is_all: bool,
}

impl Unfolded {
    /// Everything unfolded; for searching.
    pub(super) fn all() -> Self {
        Self {
            is_all: true,
            ..Self::default()
        }
    }

    /// Whether the child at the path is unfolded.
    pub(super) fn contains(&self, path: &[usize]) -> bool {
        self.is_all || self.paths.iter().any(|open| open == path)
    }

    /// Folds or unfolds a child.
    pub(super) fn toggle(&mut self, path: Vec<usize>) {
        match self.paths.iter().position(|open| *open == path) {
            Some(at) => {
                self.paths.remove(at);
            }
            None => self.paths.push(path),
        }
    }

    /// Folds or unfolds the run of bookkeeping that begins with a step.
    pub(super) fn toggle_run(&mut self, path: &[usize], first: usize) {
        let run = (path.to_vec(), first);
        match self.runs.iter().position(|open| *open == run) {
            Some(at) => {
                self.runs.remove(at);
            }
            None => self.runs.push(run),
        }
    }

    /// Whether a run is unfolded.
    fn has_run(&self, path: &[usize], first: usize) -> bool {
        self.is_all || self.runs.iter().any(|(of, at)| of == path && *at == first)
    }

    /// Unfolds a child and all it is in; `false` when all of it was unfolded already.
    pub(super) fn open(&mut self, path: &[usize]) -> bool {
        let mut is_changed = false;
        for end in 1..=path.len() {
            let Some(outer) = path.get(..end) else { break };
            if !self.contains(outer) {
                self.paths.push(outer.to_vec());
                is_changed = true;
            }
        }
        is_changed
    }
}

/// All rows that are visible with these children unfolded. Those of a task are its places, so many, and the records that
/// attempt it; `None` for the rows of a trajectory.
pub(super) fn flatten(
    trajectory: &Trajectory,
    unfolded: &Unfolded,
    of_task: Option<(usize, &[RecordIx])>,
) -> Vec<Row> {
    let mut rows = Vec::with_capacity(trajectory.steps.len() + 2);
    rows.push(Row::new(Vec::new(), Subject::Task));
    if let Some((places, attempts)) = of_task {
        let places = (0..places).map(Subject::Place);
        let attempts = attempts.iter().map(|ix| Subject::Attempt(*ix));
        rows.extend(places.chain(attempts).map(|row| Row::new(Vec::new(), row)));
        return rows;
    }
    flatten_into(trajectory, &[], unfolded, &mut rows);
    rows.push(Row::new(Vec::new(), Subject::End));
    rows
}

fn flatten_into(trajectory: &Trajectory, path: &[usize], unfolded: &Unfolded, rows: &mut Vec<Row>) {
    let last = trajectory.steps.len().saturating_sub(1);
    let mut children: Vec<(usize, usize)> = trajectory
        .children
        .iter()
        .enumerate()
        .map(|(ix, child)| (child.at_step.unwrap_or(last).min(last), ix))
        .collect();
    children.sort_unstable();
    let mut children = children.into_iter().peekable();
    let mut step = 0;
    while let Some(first) = trajectory.steps.get(step) {
        let mut row = Row::new(path.to_vec(), Subject::Step(StepIx(step)));
        let before_child = children
            .peek()
            .map_or(usize::MAX, |(at, _)| (*at).max(step) + 1);
        if is_bookkeeping(first) {
            let rest = trajectory.steps.get(step..).unwrap_or_default();
            let run = rest.iter().take_while(|step| is_bookkeeping(step)).count();
            let run = run.min(before_child - step);
            if run > 1 && !unfolded.has_run(path, step) {
                row.run = run;
            } else if run > 1 {
                // unfolded: each step a row of its own, the run is not begun anew at its second
                rows.push(row);
                for later in step + 1..step + run - 1 {
                    rows.push(Row::new(path.to_vec(), Subject::Step(StepIx(later))));
                }
                step += run - 1;
                row = Row::new(path.to_vec(), Subject::Step(StepIx(step)));
            }
        }
        step += row.run;
        rows.push(row);
        while let Some((_, ix)) = children.next_if(|(at, _)| *at < step) {
            push_child(trajectory, path, ix, unfolded, rows);
        }
    }
    for (_, ix) in children {
        push_child(trajectory, path, ix, unfolded, rows);
    }
}

/// Whether a step is a row of the harness's own: nothing was said or done in it, and nobody misses it at first sight.
pub(super) fn is_bookkeeping(step: &Step) -> bool {
    const TELLING: [&str; 7] = [
        "error", "condens", "compact", "summary", "abort", "reject", "exit",
    ];
    let label = step
        .label
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    step.kind == StepKind::Context && !TELLING.iter().any(|word| label.contains(word))
}

fn push_child(
    trajectory: &Trajectory,
    path: &[usize],
    ix: usize,
    unfolded: &Unfolded,
    rows: &mut Vec<Row>,
) {
    rows.push(Row::new(path.to_vec(), Subject::Child(ix)));
    let mut inner_path = path.to_vec();
    inner_path.push(ix);
    if unfolded.contains(&inner_path)
        && let Some(child) = trajectory.children.get(ix)
    {
        flatten_into(&child.trajectory, &inner_path, unfolded, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Child;
    use crate::model::ChildKind;

    fn with_children() -> Trajectory {
        let child = |at_step, steps| Child {
            kind: ChildKind::SubAgent,
            title: String::new(),
            at_step,
            trajectory: Trajectory {
                steps: vec![Step::new(StepKind::Agent); steps],
                ..Trajectory::default()
            },
        };
        Trajectory {
            steps: vec![Step::new(StepKind::Agent); 3],
            children: vec![child(None, 1), child(Some(0), 2), child(Some(99), 0)],
            ..Trajectory::default()
        }
    }

    #[track_caller]
    fn check(unfolded: &Unfolded, want: &str) {
        let rows = flatten(&with_children(), unfolded, None);
        let text: Vec<String> = rows
            .iter()
            .map(|row| match row.subject {
                Subject::Task => "task".to_owned(),
                Subject::Step(ix) => format!("{}{}", "-".repeat(row.path.len()), ix.0),
                Subject::Child(ix) => format!("child{ix}"),
                Subject::End => "end".to_owned(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(text.join(" "), want);
    }

    #[test]
    fn children_stand_where_they_began() {
        let mut unfolded = Unfolded::default();
        check(&unfolded, "task 0 child1 1 2 child0 child2 end");
        unfolded.open(&[1]);
        check(&unfolded, "task 0 child1 -0 -1 1 2 child0 child2 end");
        unfolded.toggle(vec![1]);
        check(&unfolded, "task 0 child1 1 2 child0 child2 end");
        check(
            &Unfolded::all(),
            "task 0 child1 -0 -1 1 2 child0 -0 child2 end",
        );
    }

    #[test]
    fn bookkeeping_folds_into_runs() {
        let kinds = [
            StepKind::User,
            StepKind::Context,
            StepKind::Context,
            StepKind::Context,
            StepKind::Agent,
        ];
        let mut trajectory = Trajectory {
            steps: kinds.into_iter().map(Step::new).collect(),
            ..Trajectory::default()
        };
        let shape = |trajectory: &Trajectory, unfolded: &Unfolded| {
            let rows = flatten(trajectory, unfolded, None);
            rows.iter().map(|row| row.run).collect::<Vec<_>>()
        };
        let mut unfolded = Unfolded::default();
        assert_eq!(shape(&trajectory, &unfolded), [1, 1, 3, 1, 1]);
        unfolded.toggle_run(&[], 1);
        assert_eq!(shape(&trajectory, &unfolded), [1; 7]);
        assert_eq!(shape(&trajectory, &Unfolded::all()), [1; 7]);
        unfolded.toggle_run(&[], 1);
        if let Some(step) = trajectory.steps.get_mut(2) {
            step.label = Some("Condensation".to_owned());
        }
        assert_eq!(
            shape(&trajectory, &unfolded),
            [1; 7],
            "what matters is not folded"
        );
        let rows = flatten(
            &Trajectory {
                steps: vec![Step::new(StepKind::Context); 4],
                ..Trajectory::default()
            },
            &unfolded,
            None,
        );
        assert!(
            rows.iter()
                .any(|row| row.covers(&[], Subject::Step(StepIx(3))))
        );
    }

    #[test]
    fn a_task_has_places_and_attempts() {
        let of_task = Some((2, &[RecordIx(7)][..]));
        let rows = flatten(&with_children(), &Unfolded::default(), of_task);
        let subjects: Vec<Subject> = rows.iter().map(|row| row.subject).collect();
        assert_eq!(
            subjects,
            [
                Subject::Task,
                Subject::Place(0),
                Subject::Place(1),
                Subject::Attempt(RecordIx(7))
            ]
        );
    }
}
