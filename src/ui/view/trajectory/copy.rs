//! What `y` copies, and texts for editor and pager.

use crate::read::understand;
use crate::ui::action::CopyWhat;
use crate::ui::effect::Effect;
use crate::ui::effect::PageUse;
use crate::ui::page::Subject;
use crate::ui::view::Cx;
use crate::ui::view::trajectory::Content;
use crate::ui::view::trajectory::TrajectoryView;

impl TrajectoryView {
    pub(super) fn copy(&self, what: CopyWhat, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let Content::Read(trajectory, _) = &self.content else {
            return;
        };
        let Some(row) = self.row() else { return };
        let step = match row.subject {
            Subject::Step(ix) => trajectory
                .descendant(&row.path)
                .and_then(|t| t.steps.get(ix.0)),
            _ => None,
        };
        let actions = step.map(|step| step.actions.as_slice()).unwrap_or_default();
        let joined = |texts: Vec<String>| (!texts.is_empty()).then(|| texts.join("\n\n"));
        let (text, name) = match what {
            CopyWhat::Step => return self.use_text(PageUse::Copy, cx, effects),
            CopyWhat::Command => {
                let commands = actions.iter().map(command_text).collect();
                (joined(commands), "command")
            }
            CopyWhat::Patch => {
                let of_step =
                    step.and_then(|s| s.actions.iter().flat_map(|a| &a.edits).find_map(edit_text));
                (
                    of_step.or_else(|| trajectory.final_patch.as_deref().map(str::to_owned)),
                    "patch",
                )
            }
            CopyWhat::Id => (Some(trajectory.id.clone()), "id"),
            CopyWhat::Observation => {
                let observed = actions
                    .iter()
                    .filter_map(|action| action.observation.as_ref());
                let texts = observed
                    .filter_map(|o| o.first_text())
                    .map(ToString::to_string);
                (joined(texts.collect()), "observation")
            }
            CopyWhat::Reference => {
                let step = step.map(|step| step.idx);
                let children = row.children();
                let source = &trajectory.source;
                (
                    Some(source.child_reference(&trajectory.id, &children, step)),
                    "reference",
                )
            }
            CopyWhat::Record => {
                effects.push(Effect::CopyRecord(self.record));
                return;
            }
        };
        match text {
            Some(text) => effects.push(Effect::Copy(text, name)),
            None => effects.push(Effect::Copy(String::new(), name)),
        }
    }

    /// Asks for the whole text of the shown page: it may be long, a worker makes it.
    pub(super) fn use_text(&self, what: PageUse, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        let Content::Read(trajectory, outline) = &self.content else {
            return;
        };
        let key = self.key(self.cursor.at, cx);
        if let Some(job) = key.and_then(|key| self.job(key, (trajectory, outline), cx)) {
            effects.push(Effect::PageText(Box::new(job), what));
        }
    }
}

fn command_text(action: &crate::model::Action) -> String {
    match &action.shell {
        Some(shell) => shell.cmd.to_string(),
        None => match &action.args {
            crate::model::Value::String(text) => text.clone(),
            args => format!("{} {args}", action.tool),
        },
    }
}

fn edit_text(edit: &crate::model::Edit) -> Option<String> {
    understand::edit_diff(edit)
}
