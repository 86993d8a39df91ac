//! Walks a trajectory and says its pieces in order. Knows no form.

use std::io;

use crate::behave::Behaviour;
use crate::cli::show::form::Form;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Format;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::understand;
use crate::text::human;

/// Writes the whole trajectory.
pub(super) fn trajectory(
    trajectory: &Trajectory,
    behaviour: &Behaviour,
    form: &mut dyn Form,
) -> io::Result<()> {
    nested(trajectory, behaviour, 0, form)
}

fn nested(
    trajectory: &Trajectory,
    behaviour: &Behaviour,
    depth: usize,
    form: &mut dyn Form,
) -> io::Result<()> {
    form.title(depth, &trajectory.id)?;
    head(trajectory, form)?;
    for flag in &behaviour.flags {
        let place = flag
            .step
            .map_or_else(String::new, |step| format!(" at step {step}"));
        let name = flag.flag.name();
        form.fact("flag", &format!("{name}{place}: {}", flag.why))?;
    }
    for step in &trajectory.steps {
        self::step_at(step, (trajectory.source.format, behaviour), depth, form)?;
    }
    end(trajectory, depth, form)?;
    for child in &trajectory.children {
        let kind = child.kind.name();
        let place = child
            .at_step
            .map_or_else(String::new, |step| format!(" at step {step}"));
        form.section(depth, &format!("{kind}{place}: {}", child.title))?;
        // of children only the record itself is told: the figures and flags are the trajectory's
        nested(&child.trajectory, &Behaviour::default(), depth + 1, form)?;
    }
    Ok(())
}

/// Writes one step of a trajectory of this format.
pub(super) fn step(
    step: &Step,
    format: Option<Format>,
    behaviour: &Behaviour,
    form: &mut dyn Form,
) -> io::Result<()> {
    step_at(step, (format, behaviour), 0, form)
}

fn head(trajectory: &Trajectory, form: &mut dyn Form) -> io::Result<()> {
    let source = &trajectory.source;
    form.fact("source", &source.place())?;
    let format = source.format.map_or("unknown", |format| format.name());
    let variant = source.variant.as_deref().unwrap_or_default();
    form.fact("format", format!("{format} {variant}").trim_end())?;
    let task = trajectory.task.as_ref();
    let kind = task
        .map(|task| format!(" ({})", task.kind.name()))
        .unwrap_or_default();
    let facts = [
        (
            "task",
            trajectory.task_id.as_ref().map(|id| format!("{id}{kind}")),
        ),
        ("repo", task.and_then(|task| task.repo.clone())),
        ("run", trajectory.run_name().map(str::to_owned)),
        ("attempt", trajectory.attempt.map(|nth| nth.to_string())),
        ("model", trajectory.model.clone()),
        ("agent", trajectory.agent.clone()),
        ("outcome", outcome(trajectory)),
        ("error", trajectory.outcome.error.clone()),
        ("steps", Some(size(trajectory))),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            form.fact(name, &value)?;
        }
    }
    for note in &trajectory.notes {
        let place = note
            .byte
            .map_or_else(String::new, |byte| format!(" (byte {byte})"));
        form.fact("note", &format!("{}{place}", note.what))?;
    }
    Ok(())
}

fn outcome(trajectory: &Trajectory) -> Option<String> {
    let outcome = &trajectory.outcome;
    let mut words = Vec::new();
    match outcome.resolved {
        Some(true) => words.push("resolved".to_owned()),
        Some(false) => words.push("failed".to_owned()),
        None => {}
    }
    words.extend(outcome.reward.map(|reward| format!("reward {reward}")));
    if let (Some(word), Some(source)) = (words.last_mut(), &outcome.label_source) {
        *word = format!("{word} ({source})");
    }
    words.extend(outcome.exit_status.clone());
    (!words.is_empty()).then(|| words.join(", "))
}

fn size(trajectory: &Trajectory) -> String {
    let totals = &trajectory.totals;
    let mut words = vec![format!(
        "{} with {} actions",
        trajectory.agent_steps(),
        trajectory.action_count()
    )];
    words.extend(totals.duration_s.map(human::seconds));
    words.extend(
        totals
            .tokens
            .total()
            .map(|tokens| format!("{} tokens", human::short_count(tokens))),
    );
    words.extend(totals.cost.map(human::dollars));
    words.join(", ")
}

fn step_at(
    step: &Step,
    (format, behaviour): (Option<Format>, &Behaviour),
    depth: usize,
    form: &mut dyn Form,
) -> io::Result<()> {
    let mut title = format!("{} {}", step.idx, kind(step.kind));
    let mut more = |text: Option<String>| {
        if let Some(text) = text {
            title.push_str(" · ");
            title.push_str(&text);
        }
    };
    more(step.label.clone());
    more(step.class().map(|class| class.name().to_owned()));
    let component = behaviour.components.get(step.idx).copied().flatten();
    more(component.map(|component| component.name().to_owned()));
    more(step.has_error().then(|| "failed".to_owned()));
    more((step.forgotten == Some(true)).then(|| "forgotten".to_owned()));
    more(step.latency_s.map(human::seconds));
    more(
        step.tokens
            .and_then(|tokens| tokens.total())
            .map(|tokens| format!("{} tokens", human::short_count(tokens))),
    );
    form.section(depth, &title)?;
    for flag in behaviour
        .flags
        .iter()
        .filter(|flag| flag.step == Some(step.idx))
    {
        form.label('⚑', &format!("{}: {}", flag.flag.name(), flag.why))?;
    }
    let texts = [
        ("reasoning", &step.reasoning),
        ("", &step.thought),
        ("", &step.text),
    ];
    for (name, text) in texts {
        if let Some(text) = text.as_deref().filter(|text| !text.trim().is_empty()) {
            form.prose(name, text)?;
        }
    }
    parts(&step.attachments, form)?;
    for action in &step.actions {
        let is_internal = |name: &str, value: &Value| {
            format == Some(Format::OpenHandsV0) && is_internal_of_v0(name, value, step)
        };
        self::action(action, &is_internal, form)?;
    }
    Ok(())
}

fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::System => "system",
        StepKind::User => "user",
        StepKind::Agent => "agent",
        StepKind::Context => "context",
    }
}

/// Whether an argument is how `OpenHands` V0 ran the action rather than what the model asked for. Its events mix both.
fn is_internal_of_v0(name: &str, value: &Value, step: &Step) -> bool {
    const INTERNALS: [&str; 10] = [
        "action_risk",
        "blocking",
        "confirmation_state",
        "hidden",
        "impl_source",
        "include_extra",
        "is_confirmed",
        "is_static",
        "kernel_init_code",
        "security_risk",
    ];
    let is_said = || {
        let text = value.as_str().unwrap_or_default();
        text.trim().is_empty() || step.thought.as_deref().is_some_and(|said| said == text)
    };
    INTERNALS.contains(&name) || (name == "thought" && is_said())
}

/// Tells arguments that are left out of the text forms, by name and value.
type IsInternal<'a> = &'a dyn Fn(&str, &Value) -> bool;

fn action(action: &Action, is_internal: IsInternal<'_>, form: &mut dyn Form) -> io::Result<()> {
    form.label('▸', &title(action))?;
    let diffs: Vec<String> = action
        .edits
        .iter()
        .filter_map(understand::edit_diff)
        .collect();
    if let Some(shell) = &action.shell {
        form.block("bash", &shell.cmd)?;
    } else if !diffs.is_empty() {
        for diff in diffs {
            form.block("diff", &diff)?;
        }
    } else {
        arguments(&action.args, is_internal, form)?;
    }
    match &action.observation {
        Some(observation) => result(observation, form),
        None => Ok(()),
    }
}

/// The tool, and what the action does where that says more than the command or message that follows.
fn title(action: &Action) -> String {
    let meaning = understand::meaning(action);
    let is_repeated = match &action.shell {
        Some(_) => meaning.starts_with("$ ") || meaning.starts_with("> "),
        None => matches!(action.class, ActionClass::Finish | ActionClass::Think),
    };
    let is_input = action.shell.as_ref().is_some_and(|shell| shell.is_input);
    match (is_repeated, is_input) {
        (true, true) => format!("{} · input", action.tool),
        (true, false) => action.tool.clone(),
        (false, _) => format!("{} · {meaning}", action.tool),
    }
}

/// The arguments of an action that is neither a command nor an edit: texts of several lines as they are, the rest as
/// JSON.
fn arguments(args: &Value, is_internal: IsInternal<'_>, form: &mut dyn Form) -> io::Result<()> {
    match args {
        Value::Null => Ok(()),
        Value::String(text) => form.block("", text),
        Value::Object(fields) => {
            let mut short = Vec::new();
            let mut long = Vec::new();
            let asked = fields
                .iter()
                .filter(|(name, value)| !is_internal(name.as_str(), value));
            for (name, value) in asked {
                match value {
                    Value::String(text) if text.contains('\n') => long.push((name, text)),
                    Value::String(text) => short.push(format!("{name}: {text}")),
                    other => short.push(format!("{name}: {other}")),
                }
            }
            if !short.is_empty() {
                form.block("", &short.join("\n"))?;
            }
            for (name, text) in long {
                form.label('▹', name)?;
                form.block("", text)?;
            }
            Ok(())
        }
        other => form.block("json", &other.to_string()),
    }
}

fn result(observation: &Observation, form: &mut dyn Form) -> io::Result<()> {
    let mut title = vec!["result".to_owned()];
    match observation.exit_code {
        Some(code) if code < 0 => title.push("still running".to_owned()),
        Some(code) => title.push(format!("exit {code}")),
        None if observation.is_error == Some(true) => title.push("error".to_owned()),
        None => {}
    }
    title.extend(observation.duration_s.map(human::seconds));
    if observation.truncated == Some(true) {
        title.push("cut by the producer".to_owned());
    }
    form.label('◂', &title.join(" · "))?;
    parts(&observation.parts, form)
}

fn parts(parts: &[Part], form: &mut dyn Form) -> io::Result<()> {
    for part in parts {
        match part {
            Part::Text { text } if text.trim().is_empty() => {}
            Part::Text { text } => form.printed(text)?,
            Part::Image {
                media_type,
                bytes,
                at,
            } => {
                let kind = media_type.as_deref().unwrap_or("image");
                let size =
                    bytes.map_or_else(String::new, |bytes| format!(", {}", human::bytes(bytes)));
                let place = at.as_ref().map_or_else(String::new, |at| format!(", {at}"));
                form.prose("", &format!("[{kind}{size}{place}]"))?;
            }
            Part::Ref { label } => form.prose("", &format!("[{label}]"))?,
        }
    }
    Ok(())
}

/// What the trajectory ends with and no step has shown yet.
fn end(trajectory: &Trajectory, depth: usize, form: &mut dyn Form) -> io::Result<()> {
    let finish = trajectory
        .finish
        .as_deref()
        .filter(|text| !is_shown(trajectory, text));
    let patch = trajectory
        .final_patch
        .as_deref()
        .filter(|patch| !patch.trim().is_empty());
    if finish.is_none() && patch.is_none() {
        return Ok(());
    }
    form.section(depth, "end")?;
    if let Some(finish) = finish {
        form.prose("", finish)?;
    }
    if let Some(patch) = patch {
        form.label('▸', "final patch")?;
        form.block("diff", patch)?;
    }
    Ok(())
}

/// Whether a step has shown this text, as what the agent said or as an argument.
fn is_shown(trajectory: &Trajectory, text: &str) -> bool {
    let text = text.trim();
    trajectory.steps.iter().rev().any(|step| {
        let said = [&step.thought, &step.text].into_iter().flatten();
        let args = step
            .actions
            .iter()
            .filter(|action| action.shell.is_none())
            .filter_map(|action| action.args.as_object())
            .flat_map(|args| args.values())
            .filter_map(Value::as_str);
        let mut all = said.map(|said| &**said).chain(args);
        all.any(|shown| shown.trim() == text)
    })
}
