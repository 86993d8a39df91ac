//! What the fields of a step are in the model.

use std::borrow::Cow;

use crate::model::Action;
use crate::model::Component;
use crate::model::EditOp;
use crate::model::Flag;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Text;
use crate::query;
use crate::query::Fact;
use crate::query::Value;
use crate::read::understand;
use crate::review::Mask;
use crate::select::subject::Subject;

/// A call of a step, or a step that calls nothing.
pub(super) struct Call<'s, 'a> {
    pub(super) subject: &'s Subject<'a>,
    pub(super) step: &'s Step,
    pub(super) action: Option<&'s Action>,
}

impl query::Step for Call<'_, '_> {
    fn field(&self, fact: Fact) -> Value<'_> {
        let step = self.step;
        match fact {
            Fact::StepNumber => Value::count(Some(step.idx as u64)),
            Fact::StepKind => Value::word(kind_name(step.kind)),
            Fact::StepThought => text(step.thought.as_ref()),
            Fact::StepReasoning => text(step.reasoning.as_ref()),
            Fact::StepText => text(step.text.as_ref()),
            Fact::StepTokens => Value::count(step.tokens.and_then(|tokens| tokens.total())),
            Fact::StepCost => Value::number(step.cost),
            Fact::StepLatency => Value::number(step.latency_s),
            Fact::StepAt => moment(step.ts.map(|stamp| stamp.ms)),
            Fact::StepComponent => {
                let component = self.subject.component(step.idx);
                component.map_or(Value::Absent, |one| Value::word(Component::name(one)))
            }
            Fact::StepFlag => {
                let flags = self.subject.flags().iter();
                let here = flags.filter(|flag: &&Flag| flag.step == Some(step.idx));
                Value::Many(here.map(|flag| Value::word(flag.flag.name())).collect())
            }
            Fact::StepMask => {
                let state = self.subject.said().of(None);
                let mask = state.and_then(|state| state.masks.get(&step.idx).copied());
                mask.map_or(Value::Absent, |mask: Mask| Value::word(mask.name()))
            }
            Fact::StepError => Value::Truth(match self.action {
                Some(action) => action.has_error(),
                None => step.has_error(),
            }),
            _ => self
                .action
                .map_or(Value::Absent, |action| of_action(action, fact)),
        }
    }
}

/// What belongs to the call alone.
fn of_action(action: &Action, fact: Fact) -> Value<'_> {
    let observation = action.observation.as_ref();
    match fact {
        Fact::StepClass => Value::word(action.class.name()),
        Fact::StepTool => Value::Text(Cow::Borrowed(&action.tool)),
        Fact::StepArgs => Value::Text(Cow::Owned(action.args.to_string())),
        Fact::StepCmd => text(action.shell.as_ref().map(|shell| &shell.cmd)),
        Fact::StepExit => {
            // a negative one says that the command was still running
            let exit = observation.and_then(|seen| seen.exit_code);
            let exit = exit.and_then(|code| u64::try_from(code).ok());
            Value::count(exit)
        }
        Fact::StepTest => Value::Truth(understand::is_test_run(action)),
        Fact::StepObservation => observation.map_or(Value::Absent, observed),
        Fact::StepBytes => Value::count(observation.map(|seen| seen.len_bytes() as u64)),
        Fact::StepDuration => Value::number(observation.and_then(|seen| seen.duration_s)),
        Fact::StepPath => {
            let mut paths = edited(action);
            paths.extend(action.view.as_ref().map(|view| borrowed(&view.path)));
            Value::Many(paths)
        }
        Fact::StepEdited => Value::Many(edited(action)),
        Fact::StepViewed => Value::text(action.view.as_ref().map(|view| view.path.as_str())),
        Fact::StepEdit => {
            let edits = action.edits.iter();
            Value::Many(edits.map(|edit| Value::word(edit_name(edit.op))).collect())
        }
        Fact::StepWritten => {
            let edits = action.edits.iter();
            let texts = edits.filter_map(|edit| edit.new.as_ref().or(edit.diff.as_ref()));
            Value::Many(texts.map(|text| borrowed(text)).collect())
        }
        _ => Value::Absent,
    }
}

fn edited(action: &Action) -> Vec<Value<'_>> {
    let edits = action.edits.iter();
    edits
        .flat_map(|edit| [Some(&edit.path), edit.moved_to.as_ref()])
        .flatten()
        .map(|path| borrowed(path))
        .collect()
}

fn borrowed(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

fn text(text: Option<&Text>) -> Value<'_> {
    Value::text(text.map(AsRef::as_ref))
}

/// All texts of an observation; most have one.
fn observed(seen: &Observation) -> Value<'_> {
    let mut texts = seen.parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_ref()),
        Part::Image { .. } | Part::Ref { .. } => None,
    });
    let first = texts.next().unwrap_or_default();
    match texts.next() {
        None => borrowed(first),
        Some(second) => {
            let rest: Vec<&str> = [first, second].into_iter().chain(texts).collect();
            Value::Text(Cow::Owned(rest.join("\n")))
        }
    }
}

/// Milliseconds since 1970 as queries know them.
#[expect(clippy::cast_precision_loss, reason = "milliseconds fit a double")]
pub(super) fn moment(ms: Option<i64>) -> Value<'static> {
    Value::number(ms.map(|ms| ms as f64))
}

/// The words of [`query::Words::StepKinds`].
pub(super) fn kind_name(kind: StepKind) -> &'static str {
    match kind {
        StepKind::System => "system",
        StepKind::User => "user",
        StepKind::Agent => "agent",
        StepKind::Context => "context",
    }
}

/// The words of [`query::Words::EditOps`].
pub(super) fn edit_name(op: EditOp) -> &'static str {
    match op {
        EditOp::Create => "create",
        EditOp::StrReplace => "str_replace",
        EditOp::Insert => "insert",
        EditOp::Patch => "patch",
        EditOp::Write => "write",
        EditOp::Undo => "undo",
        EditOp::Delete => "delete",
    }
}
