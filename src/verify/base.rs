//! Files as they were before the agent changed them, for those who have only the patch.
//!
//! [`ViewBases`] takes them from the trajectory: what it showed of a file before the first edit of that file, when that
//! is the whole file. [`RepositoryBases`] adds those of a repository. Whoever asks compares the answer with the
//! patch's own lines before trusting it: a view may be cut, or of another state.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Action;
use crate::model::Task;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::replay::BaseChange;
use crate::workspace::BaseFiles as _;
use crate::workspace::is_plain_cat;
use crate::workspace::snapshot::Snapshot;

/// Finds files as they were before the edit.
pub trait Bases {
    /// The text of the file that a patch calls `path`, before the edit; `None` where it is not known as a whole.
    fn base(&self, path: &str) -> Option<Text>;
}

/// Nothing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBases;

impl Bases for NoBases {
    fn base(&self, _: &str) -> Option<Text> {
        None
    }
}

/// Files from a trajectory's own views. The trajectory is asked for when the first file is, and read once.
pub struct ViewBases<F> {
    load: F,
    files: OnceCell<HashMap<String, Seen>>,
}

impl<F: Fn() -> Option<Arc<Trajectory>>> ViewBases<F> {
    /// Files of the trajectory that `load` brings with all its steps; `None` where it cannot be brought.
    pub fn new(load: F) -> Self {
        Self {
            load,
            files: OnceCell::new(),
        }
    }
}

impl<F: Fn() -> Option<Arc<Trajectory>>> Bases for ViewBases<F> {
    fn base(&self, path: &str) -> Option<Text> {
        let files = self.files.get_or_init(|| {
            let trajectory = (self.load)();
            trajectory.map_or_else(HashMap::new, |trajectory| seen_files(&trajectory))
        });
        let name = path.rsplit('/').next().unwrap_or(path);
        // agents name files by absolute paths; the shortest one that ends as the patch's is nearest the repository
        let mut fitting: Vec<(&String, &Seen)> = files
            .iter()
            .filter(|(seen, _)| seen.ends_with(name) && is_end(seen, path))
            .collect();
        fitting.sort_by_key(|(seen, _)| (seen.len(), *seen));
        fitting.into_iter().find_map(|(_, seen)| seen.whole())
    }
}

/// Files from the trajectory's own views, and from the repository where there are none: as the task has them at its
/// beginning, docstrings cut and bodies masked.
pub struct RepositoryBases<'a> {
    views: &'a dyn Bases,
    repository: Option<&'a Snapshot>,
    changes: Vec<BaseChange>,
}

impl<'a> RepositoryBases<'a> {
    /// Asks `views` first: the agent may have worked on another state than the commit.
    pub fn new(
        views: &'a dyn Bases,
        repository: Option<&'a Snapshot>,
        task: Option<&Task>,
    ) -> Self {
        let changes = task.filter(|_| repository.is_some());
        Self {
            views,
            repository,
            changes: changes.map_or_else(Vec::new, |task| BaseChange::of(task, false)),
        }
    }

    fn of_repository(&self, path: &str) -> Option<Text> {
        let text = self.repository?.base_file(path).ok()??;
        let change = self.changes.iter().find(|change| change.path == path);
        let changed = change.and_then(|change| change.apply(text.as_bytes()).ok());
        let changed = changed.and_then(|bytes| String::from_utf8(bytes).ok());
        Some(changed.map_or(text, Text::from))
    }
}

impl Bases for RepositoryBases<'_> {
    fn base(&self, path: &str) -> Option<Text> {
        let viewed = self.views.base(path);
        viewed.or_else(|| self.of_repository(path))
    }
}

fn is_end(long: &str, path: &str) -> bool {
    long.strip_suffix(path)
        .is_some_and(|front| front.is_empty() || front.ends_with('/'))
}

/// What was seen of a file before its first edit.
#[derive(Debug, Default)]
struct Seen {
    /// The whole of it at once.
    text: Option<Text>,
    /// Its lines by their 1-based numbers.
    lines: BTreeMap<usize, String>,
    total_lines: Option<usize>,
    is_edited: bool,
}

impl Seen {
    fn whole(&self) -> Option<Text> {
        if let Some(text) = &self.text {
            return Some(text.clone());
        }
        let total = self
            .total_lines
            .filter(|total| *total > 0 && *total == self.lines.len())?;
        let is_all = self.lines.keys().copied().eq(1..=total);
        is_all.then(|| {
            let mut text = String::new();
            for line in self.lines.values() {
                text.push_str(line);
                text.push('\n');
            }
            text.into()
        })
    }
}

fn seen_files(trajectory: &Trajectory) -> HashMap<String, Seen> {
    let mut files: HashMap<String, Seen> = HashMap::new();
    for action in trajectory.steps.iter().flat_map(|step| &step.actions) {
        if let Some(view) = &action.view
            && let Some(text) = &view.text
            && !action.has_error()
        {
            let seen = files.entry(view.path.clone()).or_default();
            if !seen.is_edited {
                take_view(seen, action, view.first_line, text, view.total_lines);
            }
        }
        for edit in &action.edits {
            for path in [Some(&edit.path), edit.moved_to.as_ref()]
                .into_iter()
                .flatten()
            {
                let seen = files.entry(path.clone()).or_default();
                if !seen.is_edited && *path == edit.path {
                    seen.text = seen.text.take().or_else(|| edit.before.clone());
                }
                seen.is_edited = true;
            }
        }
    }
    files
}

fn take_view(
    seen: &mut Seen,
    action: &Action,
    first_line: Option<usize>,
    text: &Text,
    total: Option<usize>,
) {
    let is_cut = action
        .observation
        .as_ref()
        .is_some_and(|observation| observation.truncated == Some(true))
        || text.contains("<response clipped>");
    if is_cut {
        return;
    }
    let first = first_line.unwrap_or(1).max(1);
    let mut lines: Vec<&str> = text.split('\n').collect();
    let end = |count: usize| first.saturating_add(count).saturating_sub(1);
    // some tools end the last line, some do not: an empty one is a line only where the tool counted it
    if lines.last() == Some(&"") && total != Some(end(lines.len())) {
        lines.pop();
    }
    for (ahead, line) in lines.iter().enumerate() {
        seen.lines
            .entry(first.saturating_add(ahead))
            .or_insert_with(|| (*line).to_owned());
    }
    let last = end(lines.len());
    let is_whole = first == 1 && (total == Some(last) || (total.is_none() && shows_all(action)));
    if is_whole {
        seen.total_lines = Some(last);
    } else if total.is_some() {
        seen.total_lines = total;
    }
}

/// Whether the call asked for a file without saying which part of it.
fn shows_all(action: &Action) -> bool {
    if let Some(shell) = &action.shell {
        return is_plain_cat(shell);
    }
    let has = |key: &str| {
        action
            .args
            .get(key)
            .is_some_and(|value: &Value| !value.is_null())
    };
    has("path")
        && !["view_range", "start_line", "end_line", "offset", "limit"]
            .into_iter()
            .any(has)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Edit;
    use crate::model::EditOp;
    use crate::model::Observation;
    use crate::model::ShellCall;
    use crate::model::Step;
    use crate::model::StepKind;
    use crate::model::View;

    fn view(path: &str, first_line: usize, text: &str, total_lines: Option<usize>) -> Action {
        let args = serde_json::json!({"path": path, "view_range": total_lines.map(|_| [1, 2])});
        Action {
            view: Some(View {
                path: path.to_owned(),
                first_line: Some(first_line),
                text: Some(text.into()),
                total_lines,
            }),
            ..Action::new(None, "editor", args)
        }
    }

    fn edit(path: &str, before: Option<&str>) -> Action {
        Action {
            edits: vec![Edit {
                before: before.map(Into::into),
                ..Edit::new(path, EditOp::StrReplace)
            }],
            ..Action::new(None, "editor", Value::Null)
        }
    }

    #[track_caller]
    fn check(actions: Vec<Action>, path: &str, expected: Option<&str>) {
        let trajectory = Arc::new(Trajectory {
            steps: vec![Step {
                actions,
                ..Step::new(StepKind::Agent)
            }],
            ..Trajectory::default()
        });
        let bases = ViewBases::new(|| Some(trajectory.clone()));
        assert_eq!(bases.base(path).as_deref(), expected);
    }

    #[test]
    fn whole_files_before_their_first_edit() {
        let (file, short) = ("/w/repo/a/m.py", "a/m.py");
        check(vec![view(file, 1, "x\ny", None)], short, Some("x\ny\n"));
        check(vec![view(file, 1, "x\ny\n", None)], short, Some("x\ny\n"));
        check(vec![view(file, 1, "x\ny", Some(2))], short, Some("x\ny\n"));
        check(vec![view(file, 1, "x\n", Some(2))], short, Some("x\n\n"));
        // in parts, in any order, one over the other
        let parts = || {
            vec![
                view(file, 2, "y\nz\n", Some(3)),
                view(file, 1, "x\ny\n", Some(3)),
            ]
        };
        check(parts(), short, Some("x\ny\nz\n"));
        check(parts(), "m.py", Some("x\ny\nz\n"));
        check(parts(), "b/m.py", None);
        check(vec![view(file, 1, "x\n", Some(3))], short, None);
        // what is shown after an edit is no base; what the edit itself had before it is
        check(
            vec![edit(file, None), view(file, 1, "x", None)],
            short,
            None,
        );
        check(
            vec![
                view(file, 1, "x", None),
                edit(file, None),
                view(file, 1, "y", None),
            ],
            short,
            Some("x\n"),
        );
        check(
            vec![edit(file, Some("x\n")), edit(file, Some("y\n"))],
            short,
            Some("x\n"),
        );
        // the file nearest the repository's root
        let nested = view("/w/repo/b/a/m.py", 1, "other", None);
        check(vec![nested, view(file, 1, "x", None)], short, Some("x\n"));
        check(Vec::new(), short, None);
        assert_eq!(ViewBases::new(|| None).base(short), None);
    }

    #[test]
    fn cut_and_partial_views_are_no_whole_files() {
        let mut cut = view("m.py", 1, "x", None);
        cut.observation = Some(Observation {
            truncated: Some(true),
            ..Observation::default()
        });
        check(vec![cut], "m.py", None);
        check(
            vec![view("m.py", 1, "x\n<response clipped>", None)],
            "m.py",
            None,
        );
        for (cmd, is_whole) in [
            ("cat m.py", true),
            ("head -5 m.py", false),
            ("cat m.py | head", false),
        ] {
            let mut shown = view("m.py", 1, "x", None);
            shown.shell = Some(ShellCall {
                cmd: cmd.into(),
                ..ShellCall::default()
            });
            check(vec![shown], "m.py", is_whole.then_some("x\n"));
        }
    }
}
