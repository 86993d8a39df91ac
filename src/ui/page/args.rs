//! Arguments of a call as they read best: key and value, a checklist, a message.

use std::sync::Arc;

use crate::model::Text;
use crate::model::Value;
use crate::theme::Role;
use crate::ui::page::block::Gutter;
use crate::ui::page::block::Tint;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::build::key_row;
use crate::ui::page::drawn::Drawn;
use crate::ui::page::drawn::Lang;
use crate::ui::page::figures;

/// A value longer than this gets lines of its own.
const ROW_BYTES: usize = 160;

/// Where calls that say something keep what they say, best first.
const MESSAGE_KEYS: &[&str] = &[
    "message",
    "thought",
    "thoughts",
    "content",
    "text",
    "answer",
    "summary",
    "result",
    "final_answer",
    "final_thought",
    "outputs",
    "output",
    "reason",
];

/// Where calls keep a plan: Claude Code, `OpenHands`, Codex.
const PLAN_KEYS: &[&str] = &["todos", "task_list", "tasks", "plan", "steps", "items"];

/// Writes arguments as `key value` rows, but for those in `skip`.
pub(super) fn rows(page: &mut Builder, args: &Value, skip: &[&str]) {
    match args {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                if !skip.contains(&key.as_str()) && !is_internal(page, key, value) {
                    field(page, key, value);
                }
            }
        }
        Value::String(text) => {
            let folding = page.folding();
            page.prose(&Text::from(text.as_str()), Role::Text, folding);
        }
        other => json(page, other, 0),
    }
}

/// Whether an argument is what a harness keeps for itself (`OpenHands` V0 and V1), or the step's thought once more.
fn is_internal(page: &Builder, key: &str, value: &Value) -> bool {
    match key {
        "is_confirmed" | "action_risk" | "kernel_init_code" | "confirmation_state"
        | "security_risk" => true,
        "blocking" | "hidden" | "is_static" => value.is_boolean() || value.is_null(),
        "task_completed" => value.is_null(),
        "thought" => value.as_str().is_some_and(|text| {
            let said = page.thought.as_deref().unwrap_or_default();
            text.trim().is_empty() || text.trim() == said.trim()
        }),
        _ => false,
    }
}

fn field(page: &mut Builder, key: &str, value: &Value) {
    match value {
        Value::String(text) if text.len() <= ROW_BYTES && !text.contains('\n') => {
            if text.is_empty() {
                page.fact_in(key, "(empty)", Role::Placeholder);
            } else {
                page.fact_in(key, text, Role::Text);
            }
        }
        Value::String(text) => {
            page.row(key_row(key));
            let folding = page.folding();
            let text = Text::from(text.as_str());
            let tint = match code_of(key) {
                Some(name) => Tint::Code(Arc::new(Lang::Named(name.to_owned())), Role::Text),
                None => Tint::Plain(Role::Text),
            };
            page.lines(&text, Gutter::Indent(2), tint, folding);
        }
        Value::Array(_) | Value::Object(_) => {
            let line = value.to_string();
            if line.len() <= ROW_BYTES / 2 {
                page.fact_in(key, &line, Role::Text);
            } else {
                page.row(key_row(key));
                json(page, value, 2);
            }
        }
        Value::Null => page.fact_in(key, "null", Role::Placeholder),
        Value::Bool(_) | Value::Number(_) => page.fact_in(key, &value.to_string(), Role::Text),
    }
}

/// The language of the arguments that are code by their name.
fn code_of(key: &str) -> Option<&'static str> {
    match key {
        "code" | "python" => Some("python"),
        "command" | "cmd" | "bash" | "script" => Some("bash"),
        "sql" => Some("sql"),
        "diff" | "patch" => Some("diff"),
        _ => None,
    }
}

fn json(page: &mut Builder, value: &Value, indent: usize) {
    let folding = page.folding();
    let lang = Arc::new(Lang::Named("json".to_owned()));
    let text = Text::from(format!("{value:#}"));
    let gutter = if indent == 0 {
        Gutter::None
    } else {
        Gutter::Indent(indent)
    };
    page.lines(&text, gutter, Tint::Code(lang, Role::Text), folding);
}

/// Writes what a call says as Markdown, and the other arguments as rows.
pub(super) fn message(page: &mut Builder, args: &Value) {
    let found = MESSAGE_KEYS.iter().find_map(|key| {
        let value = args.get(key)?;
        let text = value.as_str().filter(|_| !is_internal(page, key, value))?;
        (!text.trim().is_empty()).then_some((*key, text))
    });
    let Some((key, text)) = found else {
        rows(page, args, &[]);
        return;
    };
    page.prose(&Text::from(text), Role::Text, Folding::NONE);
    let has_more = args.as_object().is_some_and(|fields| fields.len() > 1);
    if has_more {
        page.gap();
        rows(page, args, &[key]);
    }
}

/// Writes a plan as a checklist, and the other arguments as rows.
pub(super) fn plan(page: &mut Builder, args: &Value) {
    let found = PLAN_KEYS
        .iter()
        .find_map(|key| Some((*key, args.get(key)?.as_array()?)))
        .or_else(|| args.as_array().map(|items| ("", items)));
    let Some((key, items)) = found else {
        rows(page, args, &[]);
        return;
    };
    if args.is_object() {
        rows(page, args, &[key]);
    }
    let items: Vec<Drawn> = items.iter().map(item).collect();
    let done = items
        .iter()
        .filter(|row| {
            row.spans
                .first()
                .is_some_and(|span| span.text.starts_with('☑'))
        })
        .count();
    let of = format!(
        "{} of {} done",
        figures::count(done),
        figures::count(items.len())
    );
    page.say(&of, Role::Dim);
    let folding = page.folding();
    page.folded_rows(items, folding);
}

fn item(value: &Value) -> Drawn {
    let text = |keys: &[&str]| {
        keys.iter()
            .find_map(|key| value.get(key)?.as_str())
            .filter(|text| !text.is_empty())
    };
    let status = text(&["status", "state"]).unwrap_or_default();
    let (mark, role) = match status {
        "completed" | "done" | "complete" => ("☑ ", Role::Success),
        "in_progress" | "doing" | "active" => ("◐ ", Role::Warning),
        "cancelled" | "canceled" | "skipped" => ("☒ ", Role::Dim),
        _ => ("☐ ", Role::Dim),
    };
    let mut row = Drawn::new();
    row.push(mark, role);
    row.hang = row.cells();
    let what = match value {
        Value::String(text) => text.clone(),
        other => text(&[
            "content",
            "title",
            "step",
            "text",
            "task",
            "description",
            "name",
        ])
        .map_or_else(|| other.to_string(), str::to_owned),
    };
    let role = match mark {
        "☑ " | "☒ " => Role::Dim,
        "◐ " => Role::Strong,
        _ => Role::Text,
    };
    row.push(&what, role);
    if let Some(notes) = text(&["notes", "note"]) {
        row.push(" — ", Role::Dim);
        row.push(notes, Role::Dim);
    }
    row
}
