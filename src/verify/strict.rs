//! The filter by syntax: what an edit is, not what its lines look like.
//!
//! An edit is documentation only when the trees of the files before and after are equal once comments and docstrings
//! are dropped. The patch's hunks decide where they can; where they cannot, the file before the edit is asked for; where
//! that is not known either, the verdict is *unjudged* and the check `uncertain` says so. Rules that hold for all tasks:
//!
//! - No patch, an empty one, or a text that is none: rejected; there is no edit.
//! - What is no Python file cannot be told apart into code and comments: any change of its content is a change of code.
//! - A file that is removed, renamed, copied, binary, or becomes another type of file changes what can be imported: code.
//!   A change of the mode alone changes no content: noted.
//! - A new Python file without a statement but docstrings holds no code: noted. Any other new file is code.
//! - Line ends, tabs, form feeds and blanks count where Python counts them: in strings and in indentation.
//! - A change of the encoding that a file declares changes how its bytes are read: code.
//! - A patch that breaks off, or whose counts lie, cannot be known to be harmless: uncertain.
//! - Bytes that were no UTF-8 reach us as U+FFFD: a line of code that holds one and is replaced cannot be compared.
//!
//! Pure but for the test programs of `func_gen`.

mod dep_search;
mod documentation;
mod func_gen;
mod func_localize;
mod issue_localize;
mod means;
mod outlines;
mod piece;
mod runs;

use std::collections::HashSet;

use crate::cancel::Cancel;
use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::model::LineNo;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::model::Verdict;
use crate::patch::FilePatch;
use crate::patch::parse_patch;
use crate::verify::Evidence;
use crate::verify::Judgement;
use crate::verify::Sense;
use crate::verify::base::Bases;
use crate::verify::program::RunProgram;
use crate::verify::strict::documentation::FileEdit;

/// What is kept of the evidence; a patch that rewrites a repository is explained by its first lines.
const MAX_EVIDENCE: usize = 200;

/// Judges a trajectory by its task. The trajectory may be without steps: only its task, patch and answer are read;
/// `bases` is asked for files only where the patch alone does not decide. Without `program` nothing is run, and
/// `func_gen` is unjudged unless its edit fails already.
pub fn judge(
    trajectory: &Trajectory,
    bases: &dyn Bases,
    program: Option<&dyn RunProgram>,
    cancel: &Cancel,
) -> Judgement {
    let Some(task) = &trajectory.task else {
        return Judgement::unjudged("no task is known for this trajectory");
    };
    let Some(instance) = task.instance.as_deref() else {
        return Judgement::unjudged("the task's instance is not known");
    };
    let mut case = Case {
        trajectory,
        task,
        instance,
        bases,
        report: Report::default(),
    };
    match task.kind {
        TaskKind::FuncLocalize => func_localize::judge(&mut case),
        TaskKind::DepSearch => dep_search::judge(&mut case),
        TaskKind::IssueLocalize => issue_localize::judge(&mut case),
        TaskKind::FuncGen => func_gen::judge(&mut case, program, cancel),
        kind => Judgement::unjudged(format!(
            "there are no strict rules for {} tasks",
            kind.name()
        )),
    }
}

/// What is judged.
struct Case<'a> {
    trajectory: &'a Trajectory,
    task: &'a Task,
    instance: &'a Value,
    bases: &'a dyn Bases,
    report: Report,
}

impl<'a> Case<'a> {
    /// The files of the final patch; `None` after it was reported that there are none.
    fn patch(&mut self) -> Option<(&'a str, Vec<FilePatch>)> {
        let text = self.trajectory.final_patch.as_deref().unwrap_or_default();
        if text.trim().is_empty() {
            let why = if self.trajectory.final_patch.is_some() {
                "the patch is empty: nothing was changed"
            } else {
                "there is no patch"
            };
            self.report.add(Sense::Objection, None, None, None, why);
            return None;
        }
        let files = parse_patch(text);
        if files.is_empty() {
            let why = "the text handed in as a patch is none";
            self.report
                .add(Sense::Objection, None, None, Some(LineNo(1)), why);
            return None;
        }
        Some((text, files))
    }

    /// Asks for the file before the edit and looks at the edit again, unless that is known to change code; whether the
    /// whole file is known then.
    fn look_closer(&self, edit: &mut FileEdit<'_>) -> bool {
        edit.is_whole() || (edit.answer() != Answer::No && self.read_whole(edit))
    }

    /// The same of an edit that may well change code.
    fn read_whole(&self, edit: &mut FileEdit<'_>) -> bool {
        if edit.is_whole() {
            return true;
        }
        if std::mem::replace(&mut edit.is_looked_up, true) {
            return false;
        }
        let base = edit.old_path().and_then(|path| self.bases.base(path));
        base.is_some_and(|base| edit.set_base(&base))
    }

    fn text(&self, key: &str) -> &'a str {
        text_of(self.instance, key)
    }
}

fn text_of<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A 0-based line of an instance; `None` where it is missing or -1. Numbers of no file are far away, but can be counted
/// on from.
fn line_of(value: &Value, key: &str) -> Option<usize> {
    value
        .get(key)
        .and_then(Value::as_u64)
        .and_then(|line| usize::try_from(line).ok())
        .map(|line| line.min(usize::MAX >> 2))
}

/// The last part of a dotted name.
fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Whether two paths name one file: instances and patches write them from the repository's root.
fn is_same_path(a: &str, b: &str) -> bool {
    bare_path(a) == bare_path(b)
}

fn bare_path(path: &str) -> &str {
    path.trim_start_matches("./").trim_start_matches('/')
}

/// Whether a check passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Uncertain,
}

impl Answer {
    fn of(passes: bool) -> Self {
        if passes { Self::Yes } else { Self::No }
    }

    /// Yes when both are; No when one is.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Uncertain, _) | (_, Self::Uncertain) => Self::Uncertain,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Yes when one is; No when both are.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Uncertain, _) | (_, Self::Uncertain) => Self::Uncertain,
            (Self::No, Self::No) => Self::No,
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            Self::Yes => Verdict::Accept,
            Self::No => Verdict::Reject,
            Self::Uncertain => Verdict::Unjudged,
        }
    }

    /// For a check: null where it cannot be known.
    fn value(self) -> Value {
        match self {
            Self::Yes => Value::Bool(true),
            Self::No => Value::Bool(false),
            Self::Uncertain => Value::Null,
        }
    }
}

/// Collects evidence, in bounds.
#[derive(Debug, Default)]
struct Report {
    evidence: Vec<Evidence>,
    left_out: usize,
}

impl Report {
    fn add(
        &mut self,
        sense: Sense,
        path: Option<&str>,
        line: Option<usize>,
        patch_line: Option<LineNo>,
        why: impl Into<String>,
    ) {
        if self.evidence.len() >= MAX_EVIDENCE {
            self.left_out += 1;
            return;
        }
        self.evidence.push(Evidence {
            sense,
            path: path.map(str::to_owned),
            line: line.map(LineNo),
            patch_line,
            why: why.into(),
        });
    }

    fn extend(&mut self, evidence: Vec<Evidence>) {
        for one in evidence {
            if self.evidence.len() >= MAX_EVIDENCE {
                self.left_out += 1;
            } else {
                self.evidence.push(one);
            }
        }
    }

    fn judgement(mut self, success: Answer, checks: Vec<(&'static str, Value)>) -> Judgement {
        if self.left_out > 0 {
            self.evidence.push(Evidence {
                sense: Sense::Note,
                path: None,
                line: None,
                patch_line: None,
                why: format!("{} more like these", self.left_out),
            });
        }
        let mut all = vec![
            ("success", Value::Bool(success == Answer::Yes)),
            ("uncertain", Value::Bool(success == Answer::Uncertain)),
        ];
        all.extend(checks);
        Judgement {
            verdict: success.verdict(),
            checks: all,
            evidence: self.evidence,
        }
    }
}

/// All edits of a patch, looked at closely where the hunks do not decide, and whether they are documentation only. The
/// evidence of each is reported.
fn examine<'p>(case: &mut Case<'_>, mut edits: Vec<FileEdit<'p>>) -> (Vec<FileEdit<'p>>, Answer) {
    let mut answer = Answer::Yes;
    for edit in &mut edits {
        let is_open = match edit.answer() {
            Answer::Uncertain => true,
            // a text in a string may read as code: where the file is known, it says so
            Answer::Yes => edit.is_assumed(),
            Answer::No => false,
        };
        if is_open {
            case.look_closer(edit);
        }
        answer = answer.and(edit.answer());
        case.report.extend(edit.take_evidence());
    }
    (edits, answer)
}

/// Whether a hunk shows a definition on one of the old lines on which the task knows one, by path and line.
fn shows_definition(known: &HashSet<(&str, usize)>, file: &FilePatch, hunk: &Hunk) -> bool {
    let path = bare_path(file.path());
    hunk.lines.iter().any(|line| {
        let text = line.text.trim_start();
        let is_definition = ["def ", "class ", "async ", "@"]
            .into_iter()
            .any(|word| text.starts_with(word));
        is_definition && line.old_no.is_some_and(|no| known.contains(&(path, no)))
    })
}

/// The numbers of the changed lines of a hunk, for messages: the new line, or the old one where it is removed.
fn line_no(line: &crate::diff::DiffLine) -> Option<usize> {
    if line.tag == DiffTag::Removed {
        line.old_no
    } else {
        line.new_no
    }
}

#[cfg(test)]
mod tests;
