//! Pages of a replay: a call with what was recorded or came of it, in what both differ, the result at the end.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::compare::compare_patches;
use crate::model::Action;
use crate::model::Observation;
use crate::model::Text;
use crate::model::Trajectory;
use crate::replay::CallReplay;
use crate::replay::PatchReplay;
use crate::replay::RecordReplay;
use crate::replay::Same;
use crate::replay::StepVerdict;
use crate::replay::Verified;
use crate::replay::What;
use crate::text::Lines;
use crate::theme::Role;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::page::act;
use crate::ui::page::block::Gutter;
use crate::ui::page::block::Tint;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::build::Label;
use crate::ui::page::compare;
use crate::ui::page::drawn::Drawn;
use crate::ui::page::drawn::Lang;
use crate::ui::page::figures;
use crate::ui::page::verdict_sign;

impl Page {
    /// Makes the page of a call with what was recorded of it.
    pub fn of_recorded(action: &Action, options: &PageOptions) -> Self {
        let mut page = Builder::new(*options);
        act::build(&mut page, action, (1, 1));
        Self::of_blocks(page.finish())
    }

    /// Makes the page of a call with what came of it in a replay.
    pub fn of_actual(action: &Action, call: &CallReplay, options: &PageOptions) -> Self {
        let mut page = Builder::new(*options);
        act::build(&mut page, &with_actual(action, call), (1, 1));
        Self::of_blocks(page.finish())
    }

    /// Makes the page that says in what recorded and actual differ.
    pub fn of_replayed(action: &Action, call: &CallReplay, options: &PageOptions) -> Self {
        let mut page = Builder::new(*options);
        let title = [
            (format!("step {}", figures::count(call.step)), Role::Title),
            (call.verdict.name().to_owned(), Role::Strong),
            (call.why.clone().unwrap_or_default(), Role::Text),
        ];
        page.section(&title, &[("− recorded  + actual".to_owned(), Role::Dim)]);
        let status = |code: Option<i64>| code.map_or("none".to_owned(), |code| code.to_string());
        let then = action.observation.as_ref().and_then(|seen| seen.exit_code);
        if then != call.exit_code && (then.is_some() || call.verdict == StepVerdict::ExitCode) {
            let words = format!("exit status {} → {}", status(then), status(call.exit_code));
            page.say(&words, Role::Error);
        }
        let now = compare::came(&with_actual(action, call));
        compare::beside(
            &mut page,
            "observation",
            "x.txt",
            (&compare::came(action), &now),
        );
        Self::of_blocks(page.finish())
    }

    /// Makes the page of a whole replay: how its calls came out, what the checks say, both patches. `None` when
    /// cancelled.
    pub fn of_replay(
        trajectory: &Trajectory,
        result: &RecordReplay,
        options: &PageOptions,
        cancel: &Cancel,
    ) -> Option<Self> {
        let mut page = Builder::new(*options);
        let words = if result.is_reproduced() {
            ("reproduced".to_owned(), Role::Success)
        } else {
            ("not reproduced".to_owned(), Role::Warning)
        };
        let base = (format!("base: {}", result.base.name()), Role::Dim);
        page.section(&[("replay".to_owned(), Role::Title), words], &[base]);
        if let Some(error) = &result.error {
            page.say(error, Role::Error);
        }
        counts(&mut page, result);
        if let Some(step) = result.first_divergence {
            let words = format!("first divergence at step {}", figures::count(step));
            page.say(&words, Role::Warning);
        }
        for note in &result.notes {
            page.say(note, Role::Dim);
        }
        for verified in &result.verified {
            page.row(verified_row(verified, options));
        }
        let recorded = trajectory.final_patch.as_deref().unwrap_or_default();
        if let Some(patch) = &result.patch {
            page.gap();
            page.section(
                &[("the final patch".to_owned(), Role::Title)],
                &same_words(patch),
            );
            for file in &patch.files {
                let (sign, role) = match file.same {
                    Some(true) => ("=", Role::Success),
                    Some(false) => ("≠", Role::Error),
                    None => ("?", Role::Dim),
                };
                let mut row = Drawn::new();
                row.push(&format!("{sign} "), role);
                row.push(&file.path, Role::Text);
                page.row(row);
            }
            let found = compare_patches(recorded, &patch.patch, cancel)?;
            compare::patches(&mut page, "recorded and replayed", &found);
        }
        Some(Self::of_blocks(page.finish()))
    }

    /// Makes the page of a file of the workspace.
    pub fn of_workspace_file(
        path: &str,
        text: &Text,
        what: Option<What>,
        options: &PageOptions,
    ) -> Self {
        let title = match what {
            Some(_) => format!("{path} · changed by the calls"),
            None => path.to_owned(),
        };
        let first_line = text.lines().next().unwrap_or_default().to_owned();
        let lang = Arc::new(Lang::File {
            path: path.to_owned(),
            first_line,
        });
        let lines = Lines::new(Text::clone(text));
        let gutter = Gutter::Numbers {
            first: 1,
            cells: lines.len().max(1).to_string().len(),
            sign: ' ',
        };
        let mut page = Builder::new(*options);
        page.section(&[(title, Role::Title)], &[]);
        let tint = Tint::Code(lang, Role::Text);
        page.indexed(lines, gutter, tint, Vec::new(), Folding::NONE);
        Self::of_blocks(page.finish())
    }

    /// Makes the page of what changed in the workspace so far.
    pub fn of_changes(patch: &Text, options: &PageOptions) -> Self {
        let what = if patch.trim().is_empty() {
            "nothing has changed in the workspace"
        } else {
            "what changed in the workspace"
        };
        Self::of_text(what, Text::clone(patch), "diff", options)
    }
}

/// The call with what came of it in the place of what was recorded.
fn with_actual(action: &Action, call: &CallReplay) -> Action {
    let mut action = action.clone();
    let old = action.observation.take();
    let text = call.observation.as_ref();
    action.observation = match (text, old) {
        (None, Some(same)) => Some(Observation {
            exit_code: call.exit_code,
            ..same
        }),
        (Some(text), _) => Some(Observation {
            exit_code: call.exit_code,
            ..Observation::text(Text::clone(text))
        }),
        (None, None) => None,
    };
    action
}

fn counts(page: &mut Builder, result: &RecordReplay) {
    let mut row = Drawn::new();
    for verdict in StepVerdict::ALL {
        let count = result.count(verdict);
        if count > 0 {
            let role = if verdict.diverges() {
                Role::Warning
            } else {
                Role::Text
            };
            row.push(
                &format!("{} {}  ", figures::count(count), verdict.name()),
                role,
            );
        }
    }
    page.row(row);
}

fn verified_row(verified: &Verified, options: &PageOptions) -> Drawn {
    let mut row = Drawn::new();
    if options.is_blind {
        row.push("the verdict is hidden while blind (B shows it)", Role::Dim);
        return row;
    }
    let (sign, role) = verdict_sign(verified.verdict);
    row.push(&format!("{sign} {} ", verified.by), role);
    row.push(&verified.why, Role::Text);
    if verified.runs > 1 {
        let words = format!(
            "  {} of {} runs",
            figures::count(verified.accepted),
            figures::count(verified.runs)
        );
        row.push(&words, Role::Dim);
    }
    if verified.is_flaky() {
        row.push("  flaky", Role::Warning);
    }
    row
}

fn same_words(patch: &PatchReplay) -> Vec<Label> {
    let words = match patch.text {
        Some(Same::Exact) => ("the same text", Role::Success),
        Some(Same::Normalised) => ("the same but for headers", Role::Success),
        Some(Same::Differs) => ("another text", Role::Warning),
        None => ("none was recorded", Role::Dim),
    };
    vec![(words.0.to_owned(), words.1)]
}
