//! Pages about two attempts: in what two steps differ, and their patches beside each other and beside the reference.

use crate::cancel::Cancel;
use crate::compare::FileComparison;
use crate::compare::FileKind;
use crate::compare::PatchComparison;
use crate::compare::compare_patches;
use crate::diff::Hunk;
use crate::diff::diff_texts;
use crate::model::Action;
use crate::model::Part;
use crate::model::Step;
use crate::model::Text;
use crate::model::Trajectory;
use crate::read::understand;
use crate::theme::Role;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::page::block::Gutter;
use crate::ui::page::block::Tint;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::build::Label;
use crate::ui::page::change::Remarks;
use crate::ui::page::drawn::Drawn;
use crate::ui::page::edit;
use crate::ui::page::figures;

/// Two texts longer than this together are not compared.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Actions of a step that are compared one by one.
const ACTIONS: usize = 16;

/// Lines around a difference.
const CONTEXT: usize = 3;

impl Page {
    /// Makes the page that says in what two steps differ: thought, what was said, each action, what came back. `why` is
    /// the reason in words.
    pub fn of_difference(
        left: &Step,
        right: &Step,
        why: Option<&str>,
        options: &PageOptions,
    ) -> Self {
        let mut page = Builder::new(*options);
        let number = |step: &Step| figures::count(step.idx);
        let title = [
            (
                format!("step {} and {}", number(left), number(right)),
                Role::Title,
            ),
            (why.unwrap_or("the same").to_owned(), Role::Strong),
        ];
        page.section(&title, &[("− left  + right".to_owned(), Role::Dim)]);
        let texts = [
            ("reasoning", &left.reasoning, &right.reasoning),
            ("thought", &left.thought, &right.thought),
            ("message", &left.text, &right.text),
        ];
        for (name, old, new) in texts {
            let text = |text: &Option<Text>| text.as_deref().unwrap_or_default().to_owned();
            beside(&mut page, name, "x.txt", (&text(old), &text(new)));
        }
        let nothing = Action::default();
        let count = left.actions.len().max(right.actions.len());
        for ix in 0..count.min(ACTIONS) {
            let one = left.actions.get(ix).unwrap_or(&nothing);
            let other = right.actions.get(ix).unwrap_or(&nothing);
            actions(&mut page, one, other);
        }
        if count > ACTIONS {
            let text = format!("(and {} more calls)", count - ACTIONS);
            page.say(&text, Role::Placeholder);
        }
        Self::of_blocks(page.finish())
    }

    /// Makes the page of two final patches, beside each other and each beside the reference of its task. `None` when
    /// cancelled.
    pub fn of_patches(
        left: &Trajectory,
        right: &Trajectory,
        options: &PageOptions,
        cancel: &Cancel,
    ) -> Option<Self> {
        let mut page = Builder::new(*options);
        let patch = |trajectory: &Trajectory| -> String {
            trajectory
                .final_patch
                .as_deref()
                .unwrap_or_default()
                .to_owned()
        };
        let gold = |trajectory: &Trajectory| -> Option<Text> {
            trajectory.task.as_ref()?.gold_patch.clone()
        };
        let (one, other) = (patch(left), patch(right));
        let found = compare_patches(&one, &other, cancel)?;
        patches(&mut page, "the patches, left and right", &found);
        let sides = [
            ("the left patch and the reference", &one, gold(left)),
            ("the right patch and the reference", &other, gold(right)),
        ];
        for (title, patch, gold) in sides {
            if let Some(gold) = gold {
                let found = compare_patches(patch, &gold, cancel)?;
                patches(&mut page, title, &found);
            }
        }
        if gold(left).or_else(|| gold(right)).is_none() {
            page.gap();
            page.say("no reference patch is known of this task", Role::Dim);
        }
        Some(Self::of_blocks(page.finish()))
    }
}

/// Two actions: what they do, then what came back.
fn actions(page: &mut Builder, left: &Action, right: &Action) {
    let name = |action: &Action| {
        if action.tool.is_empty() {
            "nothing".to_owned()
        } else {
            understand::meaning(action)
        }
    };
    let (one, other) = (name(left), name(right));
    page.gap();
    let mut row = Drawn::new();
    row.push(&one, Role::Strong);
    if one != other {
        row.push("  ≠  ", Role::Warning);
        row.push(&other, Role::Strong);
    }
    page.row(row);
    let (one, other) = (done(left), done(right));
    beside(page, "call", "x.sh", (&one, &other));
    let (one, other) = (came(left), came(right));
    beside(page, "observation", "x.txt", (&one, &other));
}

/// What an action does, as text: the command, the changes, or the arguments.
fn done(action: &Action) -> String {
    if let Some(shell) = &action.shell {
        return shell.cmd.to_string();
    }
    let diffs: Vec<String> = action
        .edits
        .iter()
        .filter_map(understand::edit_diff)
        .collect();
    if !diffs.is_empty() {
        return diffs.join("\n");
    }
    if action.args.is_null() {
        return String::new();
    }
    // values of our own reading can be written
    serde_json::to_string_pretty(&action.args).unwrap_or_default()
}

/// What came back, as text.
pub(super) fn came(action: &Action) -> String {
    let mut text = String::new();
    for part in action.observation.iter().flat_map(|seen| &seen.parts) {
        if let Part::Text { text: more } = part {
            text.push_str(more);
        }
    }
    text
}

/// Two texts: one where they are the same, the only one, or how they differ.
pub(super) fn beside(page: &mut Builder, name: &'static str, path: &str, (old, new): (&str, &str)) {
    if old.trim().is_empty() && new.trim().is_empty() {
        return;
    }
    let words = match (old.trim().is_empty(), new.trim().is_empty()) {
        _ if old == new => "the same",
        (true, _) => "on the right only",
        (_, true) => "on the left only",
        _ => "",
    };
    let title: [Label; 2] = [(name.to_owned(), Role::Dim), (words.to_owned(), Role::Dim)];
    page.section(&title, &[]);
    let folding = page.folding();
    if !words.is_empty() {
        let text: Text = if old.trim().is_empty() { new } else { old }.into();
        let folding = if old == new {
            Folding::to_head(4, 2)
        } else {
            folding
        };
        page.lines(&text, Gutter::None, Tint::Plain(Role::Text), folding);
        return;
    }
    if old.len().saturating_add(new.len()) > MAX_TEXT_BYTES {
        page.say(
            "(too long to compare: the left text, then the right)",
            Role::Placeholder,
        );
        for text in [old, new] {
            page.lines(&text.into(), Gutter::None, Tint::Plain(Role::Text), folding);
        }
        return;
    }
    let mut hunks = diff_texts(old, new, CONTEXT, 1);
    for line in hunks.iter_mut().flat_map(|hunk| &mut hunk.lines) {
        line.no_newline = false;
    }
    change(page, path, hunks);
}

fn change(page: &mut Builder, path: &str, hunks: Vec<Hunk>) {
    let folding = Folding::over(page.options.fold_lines.saturating_mul(4));
    edit::change(page, path, hunks, folding, Remarks::default());
}

pub(super) fn patches(page: &mut Builder, title: &str, found: &PatchComparison) {
    let mut meta: Vec<Label> = Vec::new();
    let kinds = [
        (FileKind::Same, "the same", Role::Success),
        (FileKind::Differs, "different", Role::Warning),
        (FileKind::OnlyLeft, "left only", Role::DiffDel),
        (FileKind::OnlyRight, "right only", Role::DiffAdd),
    ];
    for (kind, words, role) in kinds {
        let count = found.count(kind);
        if count > 0 {
            meta.push((format!("{} {words}", figures::count(count)), role));
        }
    }
    page.gap();
    page.section(&[(title.to_owned(), Role::Title)], &meta);
    if found.files.is_empty() {
        page.say("(neither changes a file)", Role::Placeholder);
    }
    for file in &found.files {
        self::file(page, file);
    }
}

fn file(page: &mut Builder, file: &FileComparison) {
    let role = match file.kind {
        FileKind::Same => Role::Dim,
        FileKind::Differs => Role::Warning,
        FileKind::OnlyLeft => Role::DiffDel,
        FileKind::OnlyRight => Role::DiffAdd,
    };
    let mut row = Drawn::new();
    row.push(&format!("{} ", file.kind.sign()), role);
    row.push(&file.path, Role::Strong);
    if file.kind != FileKind::OnlyRight {
        edit::push_counts(&mut row, file.left.0, file.left.1);
    }
    if file.kind == FileKind::Differs {
        row.push("  |", Role::Border);
    }
    if matches!(file.kind, FileKind::Differs | FileKind::OnlyRight) {
        edit::push_counts(&mut row, file.right.0, file.right.1);
    }
    if file.kind == FileKind::Differs {
        let common = figures::counted(file.in_common, "line");
        row.push(&format!("  {common} in common"), Role::Dim);
    }
    page.row(row);
    if !file.hunks.is_empty() {
        change(page, &file.path, file.hunks.clone());
        page.gap();
    } else if file.kind == FileKind::Differs {
        page.say(
            "(they differ in kind, or are too long to compare)",
            Role::Placeholder,
        );
    }
}
