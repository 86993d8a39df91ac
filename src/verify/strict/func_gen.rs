//! `func_gen`: the test program passes, the file still parses, and nothing outside the target function changed.
//!
//! The patch says what changed. Its lines outside the function may hold documentation; anything else there is objected
//! to. The function's decorators and header belong to it, and so do lines that were put at its end. Where the function's
//! bounds are not seen and its file is not known, what is outside cannot be known either.

use std::collections::HashSet;

use crate::cancel::Cancel;
use crate::model::LineIx;
use crate::python::Definition;
use crate::python::Source;
use crate::python::innermost_ix;
use crate::python::outline;
use crate::python::tree;
use crate::text::excerpt;
use crate::verify::Judgement;
use crate::verify::Sense;
use crate::verify::program::ProgramEnd;
use crate::verify::program::RunProgram;
use crate::verify::published;
use crate::verify::strict::Answer;
use crate::verify::strict::Case;
use crate::verify::strict::documentation::FileEdit;
use crate::verify::strict::examine;
use crate::verify::strict::is_same_path;
use crate::verify::strict::last_part;
use crate::verify::strict::means::new_means;
use crate::verify::strict::piece::Known;
use crate::verify::strict::piece::Piece;

pub(super) fn judge(
    case: &mut Case<'_>,
    program: Option<&dyn RunProgram>,
    cancel: &Cancel,
) -> Judgement {
    let name = case.text("func_name");
    let path = case.text("file_path");
    if name.is_empty() || path.is_empty() {
        return Judgement::unjudged("the task does not name its function and file");
    }
    let (parses, inside) = edits(case, path, name);
    let succeeds = if parses.and(inside) == Answer::No {
        Answer::Uncertain
    } else {
        run(case, program, cancel)
    };
    let report = std::mem::take(&mut case.report);
    report.judgement(
        parses.and(inside).and(succeeds),
        vec![
            ("passed", succeeds.value()),
            ("file_parses", parses.value()),
            ("only_target_changed", inside.value()),
        ],
    )
}

/// Whether the file parses after the edit, and whether only the target changed.
fn edits(case: &mut Case<'_>, path: &str, name: &str) -> (Answer, Answer) {
    let answer = case.trajectory.answer.as_deref().unwrap_or_default();
    let has_answer = !answer.trim().is_empty();
    let has_patch = case
        .trajectory
        .final_patch
        .as_deref()
        .is_some_and(|patch| !patch.trim().is_empty());
    if has_answer && !has_patch {
        let why = "there is a function but no patch: what else was changed cannot be seen";
        case.report.add(Sense::Note, Some(path), None, None, why);
        return (parses_alone(case, path, answer), Answer::Uncertain);
    }
    let Some((text, files)) = case.patch() else {
        return (Answer::No, Answer::No);
    };
    let (own, others): (Vec<FileEdit<'_>>, Vec<FileEdit<'_>>) =
        FileEdit::all(text, &files, &|_, _| Known::Nothing)
            .into_iter()
            .partition(|edit| is_same_path(edit.path(), path));
    let (_, mut inside) = examine(case, others);
    // the harness cuts the function out of the final file with Python's parser: where it has one, the file parses
    let mut parses = if has_answer {
        Answer::Yes
    } else {
        Answer::Uncertain
    };
    if own.is_empty() {
        let why =
            format!("expected an implementation of `{name}`; the patch does not touch its file");
        case.report.add(Sense::Missed, Some(path), None, None, why);
        inside = Answer::No;
    }
    for mut edit in own {
        if edit.file_answer() != Answer::Yes {
            inside = inside.and(edit.file_answer());
            case.report.extend(edit.take_evidence());
            continue;
        }
        let mut outside = Outside::of(&edit, name);
        if (outside.unseen.is_some() || parses == Answer::Uncertain) && case.read_whole(&mut edit) {
            outside = Outside::of(&edit, name);
        }
        if edit.is_whole()
            && let Some(piece) = edit.pieces.first()
        {
            parses = parses_whole(case, &edit, piece);
        }
        inside = inside.and(outside.tell(case, &edit));
    }
    if parses == Answer::Uncertain {
        let why = "the whole file is not known: it cannot be seen whether it parses";
        case.report.add(Sense::Note, Some(path), None, None, why);
    }
    (parses, inside)
}

fn parses_whole(case: &mut Case<'_>, edit: &FileEdit<'_>, piece: &Piece) -> Answer {
    match tree::check(&piece.new_source()) {
        Ok(()) => Answer::Yes,
        Err(fault) => {
            let why = format!("the file does not parse after the edit: {}", fault.what);
            let patch_line = edit.patch_line_of(fault.line.0);
            case.report.add(
                Sense::Objection,
                Some(edit.path()),
                Some(fault.line.0),
                patch_line,
                why,
            );
            Answer::No
        }
    }
}

/// A method is cut out with its indentation.
fn parses_alone(case: &mut Case<'_>, path: &str, function: &str) -> Answer {
    let text = if function.starts_with([' ', '\t']) {
        format!("class _:\n{function}\n")
    } else {
        format!("{function}\n")
    };
    match tree::check(&Source::whole(&text)) {
        Ok(()) => Answer::Yes,
        Err(fault) => {
            let why = format!("the function does not parse: {}", fault.what);
            case.report
                .add(Sense::Objection, Some(path), None, None, why);
            Answer::No
        }
    }
}

/// Changed lines of code that are not the target's: as hunk and line of the hunk.
#[derive(Default)]
struct Outside {
    lines: Vec<(usize, usize)>,
    /// A line of which it is not seen where it belongs.
    unseen: Option<(usize, usize)>,
}

impl Outside {
    fn of(edit: &FileEdit<'_>, name: &str) -> Self {
        let mut outside = Self::default();
        for piece in &edit.pieces {
            let (old, new) = (piece.old_source(), piece.new_source());
            let (old, new) = (Lines::of(&old, name), Lines::of(&new, name));
            for (hunk_ix, line_ix) in edit.code_changes(piece, false) {
                let line = edit
                    .patch
                    .hunks
                    .get(hunk_ix)
                    .and_then(|hunk| hunk.lines.get(line_ix));
                let place = line.and_then(|line| match line.old_no {
                    Some(no) => old.holds(no.checked_sub(piece.old_first?)?),
                    None => new.holds(line.new_no?.checked_sub(piece.new_first?)?),
                });
                match place {
                    Some(true) => {}
                    Some(false) => outside.lines.push((hunk_ix, line_ix)),
                    None if edit.is_whole() => outside.lines.push((hunk_ix, line_ix)),
                    None => outside.unseen = outside.unseen.or(Some((hunk_ix, line_ix))),
                }
            }
        }
        outside
    }

    fn tell(&self, case: &mut Case<'_>, edit: &FileEdit<'_>) -> Answer {
        for (hunk_ix, line_ix) in &self.lines {
            case.report
                .extend(edit.objection(*hunk_ix, *line_ix).into_iter().collect());
        }
        if !self.lines.is_empty() {
            return Answer::No;
        }
        let Some((hunk_ix, line_ix)) = self.unseen else {
            return Answer::Yes;
        };
        let line = edit
            .patch
            .hunks
            .get(hunk_ix)
            .and_then(|hunk| hunk.lines.get(line_ix));
        let why = "it cannot be seen which function this line belongs to";
        let at = line.and_then(super::line_no);
        case.report.add(
            Sense::Note,
            Some(edit.path()),
            at,
            edit.patch_line(hunk_ix, line_ix),
            why,
        );
        Answer::Uncertain
    }
}

/// Which lines of a text are the target's.
struct Lines<'s, 't> {
    source: &'s Source<'t>,
    found: Vec<Definition>,
    /// Which of them are the target or stand in it.
    own: HashSet<usize>,
}

impl<'s, 't> Lines<'s, 't> {
    fn of(source: &'s Source<'t>, name: &str) -> Self {
        let found = outline(source);
        let (class, function) = match name.rsplit_once('.') {
            Some((class, function)) => (Some(class), function),
            None => (None, name),
        };
        let mut own = HashSet::new();
        for (ix, one) in found.iter().enumerate() {
            let parent = one.parent.and_then(|parent| found.get(parent));
            // the class of a method may lie above the hunk
            let is_in = |class: &str| parent.is_none_or(|parent| parent.name == last_part(class));
            let is_target = one.name == function && class.is_none_or(is_in);
            if is_target || one.parent.is_some_and(|parent| own.contains(&parent)) {
                own.insert(ix);
            }
        }
        Self { source, found, own }
    }

    /// Whether the 0-based line is the target's; `None` where no definition is seen around it.
    fn holds(&self, line: usize) -> Option<bool> {
        match innermost_ix(&self.found, LineIx(line)) {
            Some(ix) => Some(self.own.contains(&ix)),
            None => self.source.is_outermost_at(line).then_some(false),
        }
    }
}

/// Whether the test program passes; uncertain where it was not run.
fn run(case: &mut Case<'_>, program: Option<&dyn RunProgram>, cancel: &Cancel) -> Answer {
    let Some(text) = published::test_program(case.trajectory) else {
        let why = "there is no test program to run: the function or the task's script is missing";
        case.report.add(Sense::Objection, None, None, None, why);
        return Answer::No;
    };
    let Some(program) = program else {
        let why = "its test program was not run: `hgview verify` and `hgview export` run it, in a sandbox";
        case.report.add(Sense::Note, None, None, None, why);
        return Answer::Uncertain;
    };
    let (end, is_whole) = program.run_whole(&text, cancel);
    let (sense, why, answer) = match end {
        ProgramEnd::Exited { code: Some(0), .. } if !is_whole => (
            Sense::Objection,
            "the test program was ended before its end: nothing was tested".to_owned(),
            Answer::No,
        ),
        ProgramEnd::Exited { code: Some(0), .. } => {
            let answer = case.trajectory.answer.as_deref().unwrap_or_default();
            match new_means(answer, case.text("func_body")) {
                Some(means) => (
                    Sense::Note,
                    format!(
                        "the test program passes, but the function names `{means}`, as the original does not: it could \
                         find out how that program tells success"
                    ),
                    Answer::Uncertain,
                ),
                None => (
                    Sense::Hit,
                    "the test program passes".to_owned(),
                    Answer::Yes,
                ),
            }
        }
        ProgramEnd::Exited { output, .. } => {
            let last = output.lines().rev().find(|line| !line.trim().is_empty());
            let last = last.map_or(String::new(), |line| format!(": {}", excerpt(line, 120)));
            (
                Sense::Objection,
                format!("the test program fails{last}"),
                Answer::No,
            )
        }
        ProgramEnd::TimedOut => (
            Sense::Objection,
            "the test program did not end in time".to_owned(),
            Answer::No,
        ),
        ProgramEnd::Refused(why) => (Sense::Note, why, Answer::Uncertain),
    };
    case.report.add(sense, None, None, None, why);
    answer
}
