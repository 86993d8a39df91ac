//! The texts of a step and of a record, by what they are.

use crate::model::Action;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::search::Place;

/// Takes a text of a place.
type Look<'a> = dyn FnMut(Place, &str) + 'a;

/// Shows all texts of a step that belong to `places`, in the order in which they stand in it.
pub(super) fn of_step(step: &Step, places: &[Place], look: &mut Look<'_>) {
    let said = match step.kind {
        StepKind::Agent => Place::Thoughts,
        StepKind::System | StepKind::User | StepKind::Context => Place::Prompts,
    };
    let has = |place: Place| places.contains(&place);
    let texts = [
        (Place::Thoughts, &step.reasoning),
        (Place::Thoughts, &step.thought),
        (said, &step.text),
    ];
    for (place, text) in texts {
        if let Some(text) = text.as_deref().filter(|_| has(place)) {
            look(place, text);
        }
    }
    if has(said) {
        of_parts(&step.attachments, said, look);
    }
    for action in &step.actions {
        if has(Place::Actions) {
            look(Place::Actions, &action.tool);
            of_value(&action.args, Place::Actions, look);
        }
        if has(Place::Files) {
            of_files(action, look);
        }
        if has(Place::Observations)
            && let Some(Observation { parts, .. }) = &action.observation
        {
            of_parts(parts, Place::Observations, look);
        }
    }
}

/// Shows the texts that belong to no step.
pub(super) fn of_record(trajectory: &Trajectory, places: &[Place], look: &mut Look<'_>) {
    if places.contains(&Place::Patches) {
        for text in [&trajectory.final_patch, &trajectory.answer]
            .into_iter()
            .flatten()
        {
            look(Place::Patches, text);
        }
    }
}

fn of_parts(parts: &[Part], place: Place, look: &mut Look<'_>) {
    for part in parts {
        match part {
            Part::Text { text } => look(place, text),
            Part::Ref { label } => look(place, label),
            Part::Image { .. } => {}
        }
    }
}

/// The paths of files seen and changed, and the texts that were written: not those that were only shown, which are
/// observations.
fn of_files(action: &Action, look: &mut Look<'_>) {
    if let Some(view) = &action.view {
        look(Place::Files, &view.path);
    }
    for edit in &action.edits {
        look(Place::Files, &edit.path);
        let texts = [&edit.moved_to.as_deref().map(Into::into), &edit.new];
        for text in texts.into_iter().flatten() {
            look(Place::Files, text);
        }
        // a patch holds its texts nowhere else
        if edit.new.is_none()
            && let Some(diff) = &edit.diff
        {
            look(Place::Files, diff);
        }
    }
}

/// All names, texts and numbers inside a value. The depth of values is bounded by the readers.
fn of_value(value: &Value, place: Place, look: &mut Look<'_>) {
    match value {
        Value::String(text) => look(place, text),
        Value::Number(number) => look(place, &number.to_string()),
        Value::Bool(is_true) => look(place, if *is_true { "true" } else { "false" }),
        Value::Array(values) => {
            for value in values {
                of_value(value, place, look);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                look(place, name);
                of_value(value, place, look);
            }
        }
        Value::Null => {}
    }
}
