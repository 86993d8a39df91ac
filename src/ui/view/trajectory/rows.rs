//! The rows of the step list: the task, the steps with their children where they belong, the end.

use crate::model::StepIx;
use crate::model::Trajectory;
use crate::ui::page::Subject;

/// A row of the step list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Which child of which child; empty in the trajectory itself.
    pub(super) path: Vec<usize>,
    /// What it is about.
    pub(super) subject: Subject,
}

/// The children that are unfolded.
#[derive(Debug, Clone, Default)]
pub(super) struct Unfolded {
    paths: Vec<Vec<usize>>,
    is_all: bool,
}

impl Unfolded {
    /// Everything unfolded; for searching.
    pub(super) fn all() -> Self {
        Self {
            paths: Vec::new(),
            is_all: true,
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

    /// Unfolds a child and all it is in.
    pub(super) fn open(&mut self, path: &[usize]) {
        for end in 1..=path.len() {
            let Some(outer) = path.get(..end) else { break };
            if !self.contains(outer) {
                self.paths.push(outer.to_vec());
            }
        }
    }
}

/// All rows that are visible with these children unfolded.
pub(super) fn flatten(trajectory: &Trajectory, unfolded: &Unfolded) -> Vec<Row> {
    let mut rows = Vec::with_capacity(trajectory.steps.len() + 2);
    rows.push(Row {
        path: Vec::new(),
        subject: Subject::Task,
    });
    flatten_into(trajectory, &[], unfolded, &mut rows);
    rows.push(Row {
        path: Vec::new(),
        subject: Subject::End,
    });
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
    for step in 0..trajectory.steps.len() {
        rows.push(Row {
            path: path.to_vec(),
            subject: Subject::Step(StepIx(step)),
        });
        while let Some((_, ix)) = children.next_if(|(at, _)| *at <= step) {
            push_child(trajectory, path, ix, unfolded, rows);
        }
    }
    for (_, ix) in children {
        push_child(trajectory, path, ix, unfolded, rows);
    }
}

fn push_child(
    trajectory: &Trajectory,
    path: &[usize],
    ix: usize,
    unfolded: &Unfolded,
    rows: &mut Vec<Row>,
) {
    rows.push(Row {
        path: path.to_vec(),
        subject: Subject::Child(ix),
    });
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
    use crate::model::Step;

    fn with_children() -> Trajectory {
        let child = |at_step, steps| Child {
            kind: ChildKind::SubAgent,
            title: String::new(),
            at_step,
            trajectory: Trajectory {
                steps: vec![Step::default(); steps],
                ..Trajectory::default()
            },
        };
        Trajectory {
            steps: vec![Step::default(); 3],
            children: vec![child(None, 1), child(Some(0), 2), child(Some(99), 0)],
            ..Trajectory::default()
        }
    }

    #[track_caller]
    fn check(unfolded: &Unfolded, want: &str) {
        let rows = flatten(&with_children(), unfolded);
        let text: Vec<String> = rows
            .iter()
            .map(|row| match row.subject {
                Subject::Task => "task".to_owned(),
                Subject::Step(ix) => format!("{}{}", "-".repeat(row.path.len()), ix.0),
                Subject::Child(ix) => format!("child{ix}"),
                Subject::End => "end".to_owned(),
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
}
