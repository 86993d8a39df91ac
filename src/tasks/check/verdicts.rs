//! Whether the rules accept a right edit of a task and reject wrong ones.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::model::Task;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::model::Verdict;
use crate::tasks::base::BaseState;
use crate::tasks::check::Ground;
use crate::tasks::check::Outcome;
use crate::tasks::check::Report;
use crate::tasks::check::edits::edits;
use crate::tasks::check::work::Base;
use crate::tasks::check::work::Edit;
use crate::tasks::check::work::changed;
use crate::verify::Judgement;
use crate::verify::Sense;
use crate::verify::base::Bases;
use crate::verify::check::RunOnce;
use crate::verify::program::RunProgram;
use crate::verify::published;
use crate::verify::strict;

impl Bases for Base<'_> {
    fn base(&self, path: &str) -> Option<Text> {
        let file = self.text(path).ok()?;
        Some(Text::from(file.whole.as_str()))
    }
}

pub(super) fn check(
    task: &Task,
    instance: &Value,
    (ground, state): (&Ground, &BaseState),
    program: Option<&dyn RunProgram>,
    report: &mut Report,
    cancel: &Cancel,
) {
    let changed = changed(state);
    let base = Base::new(ground, &changed);
    let edits = match edits(task, instance, &base) {
        Ok(edits) => edits,
        Err(why) => {
            report.add("accepts", (Outcome::Refused, Some(why)));
            report.leave("there is no right edit");
            return;
        }
    };
    let judge = |edit: &Edit, program: Option<&dyn RunProgram>| {
        let program = program.map(RunOnce::new);
        let program = program.as_ref().map(|program| program as &dyn RunProgram);
        let trajectory = attempt(task, edit);
        let published = published::judge(&trajectory, program, cancel);
        let strict = strict::judge(&trajectory, &base, program, cancel);
        (published, strict)
    };
    let (published, strict) = judge(&edits.right, program);
    report.add("accepts", accepted(&edits.right, &published, &strict));
    let mut refused = Vec::new();
    for edit in &edits.wrong {
        if edit.needs_program && program.is_none() {
            report.notes.push(format!("not tried: {}", edit.name));
            continue;
        }
        // what is wrong with the others is seen without
        let (published, strict) = judge(edit, program.filter(|_| edit.needs_program));
        match strict.verdict {
            Verdict::Reject => {}
            Verdict::Unjudged if edit.needs_program => {
                let why = why(&strict);
                report
                    .notes
                    .push(format!("not tried: {}: {why}", edit.name));
            }
            Verdict::Accept => refused.push(format!("strict accepts: {}", edit.name)),
            Verdict::Unjudged => {
                refused.push(format!(
                    "strict leaves open: {}: {}",
                    edit.name,
                    why(&strict)
                ));
            }
        }
        if published.verdict == Verdict::Accept {
            report
                .notes
                .push(format!("published accepts: {}", edit.name));
        }
    }
    let rejects = if refused.is_empty() {
        (Outcome::Ok, None)
    } else {
        (Outcome::Refused, Some(refused.join("; ")))
    };
    report.add("rejects", rejects);
}

/// A run that left an edit and nothing else.
fn attempt(task: &Task, edit: &Edit) -> Trajectory {
    Trajectory {
        task: Some(task.clone()),
        task_id: task.id.clone(),
        final_patch: Some(edit.patch.as_str().into()),
        answer: edit.answer.as_deref().map(Arc::from),
        ..Trajectory::default()
    }
}

fn accepted(edit: &Edit, published: &Judgement, strict: &Judgement) -> (Outcome, Option<String>) {
    let both = [("published", published), ("strict", strict)];
    let of = |verdict| {
        both.iter()
            .find(move |(_, judgement)| judgement.verdict == verdict)
    };
    if let Some((rules, judgement)) = of(Verdict::Reject) {
        let why = format!("{rules} rejects: {}: {}", edit.name, why(judgement));
        return (Outcome::Refused, Some(why));
    }
    match of(Verdict::Unjudged) {
        Some((rules, judgement)) => {
            let why = format!("{rules} does not judge: {}", why(judgement));
            (Outcome::Unjudged, Some(why))
        }
        None => (Outcome::Ok, None),
    }
}

/// The first reason of a judgement.
fn why(judgement: &Judgement) -> String {
    let of = |sense| {
        judgement
            .evidence
            .iter()
            .find(move |one| one.sense == sense)
    };
    let first = of(Sense::Objection)
        .or_else(|| of(Sense::Missed))
        .or_else(|| of(Sense::Note));
    let told = first.map(|one| match (&one.path, one.line) {
        (Some(path), Some(line)) => format!("{path}:{}: {}", line.0, one.why),
        (Some(path), None) => format!("{path}: {}", one.why),
        (None, _) => one.why.clone(),
    });
    told.unwrap_or_else(|| "it gives no reason".to_owned())
}
