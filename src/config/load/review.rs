//! The tables `[review]`, `[flags]` and `[queues.NAME]` of the settings.

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::config::QueueBase;
use crate::config::QueueCell;
use crate::config::QueueFilter;
use crate::config::QueueSetting;
use crate::config::load::Reading;
use crate::config::load::flag;
use crate::config::load::number;
use crate::config::load::one_of;
use crate::config::load::text;
use crate::model::FlagKind;
use crate::model::TaskKind;

/// Reasons that digits can name.
const MOST_REASONS: usize = 9;

/// What a queue can say.
const QUEUE_KEYS: &str = "base, filter, cell, where, task_type, repo, model, decided, min_steps, max_steps, size and seed";

impl Reading<'_> {
    /// Takes `[review]`.
    pub(super) fn review(&mut self, line: usize, value: &DeValue<'_>) {
        let Some(table) = value.as_table() else {
            self.problem(Some(line), "`review` must be a table".into());
            return;
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let line = self.line(&key.span());
            let review = &mut self.settings.review;
            let taken = match name {
                "reviewer" => text(value).map(|text| review.reviewer = Some(text)),
                "blind" => flag(value).map(|flag| review.blind = flag),
                "reasons" => reasons(value).map(|reasons| review.reasons = reasons),
                _ => {
                    let what = format!(
                        "there is no setting `{name}` in [review]; there are reviewer, reasons and blind"
                    );
                    self.problem(Some(line), what);
                    continue;
                }
            };
            if let Err(wanted) = taken {
                let what = format!("`{name}` must be {wanted}; the default is used");
                self.problem(Some(line), what);
            }
        }
    }

    /// Takes `[flags]`.
    pub(super) fn flags(&mut self, line: usize, value: &DeValue<'_>) {
        let Some(table) = value.as_table() else {
            self.problem(Some(line), "`flags` must be a table".into());
            return;
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let line = self.line(&key.span());
            let Some(kind) = FlagKind::ALL.into_iter().find(|kind| kind.name() == name) else {
                let names = FlagKind::ALL.map(FlagKind::name).join(", ");
                let what = format!("there is no flag `{name}`; there are {names}");
                self.problem(Some(line), what);
                continue;
            };
            match flag(value) {
                Ok(is_on) => self.settings.flags.push((kind, is_on)),
                Err(wanted) => {
                    let what = format!("`{name}` must be {wanted}; the default is used");
                    self.problem(Some(line), what);
                }
            }
        }
    }

    /// Takes the tables below `[queues]`.
    pub(super) fn queues(&mut self, line: usize, value: &DeValue<'_>) {
        let Some(table) = value.as_table() else {
            self.problem(
                Some(line),
                "`queues` must hold tables: [queues.NAME]".into(),
            );
            return;
        };
        for (key, value) in table {
            let line = self.line(&key.span());
            let name = key.get_ref().to_string();
            match value.get_ref() {
                DeValue::Table(table) => self.queue(name, line, table),
                _ => self.problem(
                    Some(line),
                    format!("queue `{name}` must be a table: [queues.{name}]"),
                ),
            }
        }
    }

    fn queue(&mut self, name: String, line: usize, table: &DeTable<'_>) {
        if QueueBase::named(&name).is_some() {
            let what = format!("`{name}` is a queue of hgview; this one needs another name");
            self.problem(Some(line), what);
            return;
        }
        let mut queue = QueueSetting::new(name, line);
        for (key, value) in table {
            let line = self.line(&key.span());
            let name: &str = key.get_ref();
            if name == "where" {
                queue.query_line = line;
            }
            if let Err(what) = entry(&mut queue, name, value) {
                self.problem(Some(line), format!("queue `{}`: {what}", queue.name));
            }
        }
        let (min, max) = (queue.min_steps, queue.max_steps);
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            let what = format!("queue `{}`: min_steps is above max_steps", queue.name);
            self.problem(Some(line), what);
        }
        self.settings.queues.push(queue);
    }
}

/// Takes one entry of a queue; the error says what is wrong with it.
fn entry(queue: &mut QueueSetting, name: &str, value: &Spanned<DeValue<'_>>) -> Result<(), String> {
    let steps = |value| number::<usize>(value, 0, 1_000_000_000).map(Some);
    let taken = match name {
        "base" => one_of(value, QueueBase::NAMES, QueueBase::named).map(|base| queue.base = base),
        "filter" => filter(value).map(|filter| queue.filter = filter),
        "cell" => {
            one_of(value, QueueCell::NAMES, QueueCell::named).map(|cell| queue.cell = Some(cell))
        }
        "where" => text(value).map(|query| queue.query = Some(query)),
        "task_type" => texts(value)
            .and_then(task_types)
            .map(|names| queue.task_types = names),
        "repo" => texts(value).map(|names| queue.repos = names),
        "model" => texts(value).map(|names| queue.models = names),
        "decided" => flag(value).map(|flag| queue.decided = Some(flag)),
        "min_steps" => steps(value).map(|steps| queue.min_steps = steps),
        "max_steps" => steps(value).map(|steps| queue.max_steps = steps),
        "size" => number(value, 1, 1_000_000).map(|size| queue.size = Some(size)),
        "seed" => number(value, 0, u64::MAX).map(|seed| queue.seed = Some(seed)),
        _ => return Err(format!("there is no `{name}`; there are {QUEUE_KEYS}")),
    };
    taken.map_err(|wanted| format!("`{name}` must be {wanted}; it is left out"))
}

fn filter(value: &Spanned<DeValue<'_>>) -> Result<QueueFilter, String> {
    let named = text(value).ok().and_then(|text| QueueFilter::named(&text));
    named.ok_or_else(|| "\"published\", \"strict\", \"resolved\" or \"score>=X\"".to_owned())
}

fn reasons(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    let wanted = || format!("a list of 1 to {MOST_REASONS} texts");
    let found = texts(value).map_err(|_wanted| wanted())?;
    let is_list = matches!(value.get_ref(), DeValue::Array(_));
    if is_list && (1..=MOST_REASONS).contains(&found.len()) {
        Ok(found)
    } else {
        Err(wanted())
    }
}

fn task_types(names: Vec<String>) -> Result<Vec<String>, String> {
    let known: Vec<&str> = TaskKind::ALL.iter().map(|kind| kind.name()).collect();
    if names.iter().all(|name| known.contains(&name.as_str())) {
        Ok(names)
    } else {
        Err(format!("one or several of \"{}\"", known.join("\", \"")))
    }
}

/// One text or a list of texts, none of them empty.
fn texts(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    match value.get_ref() {
        DeValue::Array(items) if !items.is_empty() => items.iter().map(text).collect(),
        _ => text(value).map(|text| vec![text]),
    }
    .map_err(|_wanted| "a text or a list of texts".to_owned())
}
