//! One record on its way through a query: its row, head, steps, verdicts and decisions, each read when a field asks.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::behave;
use crate::behave::Behaviour;
use crate::cancel::Cancel;
use crate::model::Component;
use crate::model::ContentHash;
use crate::model::Flag;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::Span;
use crate::model::Summary;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Value as Json;
use crate::model::Verdict;
use crate::patch::parse_patch;
use crate::query::Fact;
use crate::query::Name;
use crate::query::Record;
use crate::query::Replay;
use crate::query::Step;
use crate::query::Value;
use crate::replay::Same;
use crate::replay::results::Brief;
use crate::review::Choice;
use crate::review::Policy;
use crate::review::State;
use crate::review::people;
use crate::select::Known;
use crate::select::Said;
use crate::select::Sources;
use crate::select::step::Call;
use crate::select::step::moment;
use crate::store::Head;
use crate::verify::Rules;
use crate::verify::check::Tools;
use crate::verify::check::judgement;
use crate::verify::flags::prompt_leaks;

/// What behaviour and prompt say of a trajectory. The only place that knows who finds components and flags.
fn behaviour_of(trajectory: &Trajectory, cancel: &Cancel) -> Behaviour {
    let mut found = behave::examine(trajectory, cancel);
    found.flags.extend(prompt_leaks(trajectory));
    found
}

/// A record and what was read of it so far.
pub(super) struct Subject<'a> {
    ix: RecordIx,
    sources: Sources<'a>,
    known: Known<'a>,
    cancel: &'a Cancel,
    summary: OnceCell<Summary>,
    head: OnceCell<Option<Head>>,
    whole: OnceCell<Option<Arc<Trajectory>>>,
    behaviour: OnceCell<Behaviour>,
    said: OnceCell<Said<'a>>,
    published: OnceCell<Verdict>,
    strict: OnceCell<Verdict>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        ix: RecordIx,
        sources: &Sources<'a>,
        known: Known<'a>,
        cancel: &'a Cancel,
    ) -> Self {
        Self {
            ix,
            sources: *sources,
            known,
            cancel,
            summary: OnceCell::new(),
            head: OnceCell::new(),
            whole: OnceCell::new(),
            behaviour: OnceCell::new(),
            said: OnceCell::new(),
            published: OnceCell::new(),
            strict: OnceCell::new(),
        }
    }

    fn summary(&self) -> &Summary {
        let read = || self.sources.store.summarize(self.ix);
        match self.known.summary {
            Some(known) => known,
            None => self.summary.get_or_init(read),
        }
    }

    /// The row of what could be read.
    fn row(&self) -> Option<&Summary> {
        Some(self.summary()).filter(|row| row.fault.is_none())
    }

    fn head(&self) -> Option<&Head> {
        if let Some(head) = self.known.head {
            return Some(head);
        }
        let read = || self.sources.store.load_head(self.ix).ok();
        self.head.get_or_init(read).as_ref()
    }

    fn whole(&self) -> Option<&Arc<Trajectory>> {
        let read = || self.sources.store.load(self.ix).ok();
        self.whole.get_or_init(read).as_ref()
    }

    fn behaviour(&self) -> Option<&Behaviour> {
        let whole = self.whole()?;
        let look = || behaviour_of(whole, self.cancel);
        Some(self.behaviour.get_or_init(look))
    }

    /// What checks observed; none where the record cannot be read.
    pub(super) fn flags(&self) -> &[Flag] {
        self.behaviour().map_or(&[], |found| &found.flags)
    }

    /// What a step is for.
    pub(super) fn component(&self, step: usize) -> Option<Component> {
        self.behaviour()?.components.get(step).copied().flatten()
    }

    fn hash(&self) -> Option<ContentHash> {
        let known = self.known.head.or_else(|| self.head.get()?.as_ref());
        match known {
            Some(head) => Some(head.hash()),
            None => self.sources.store.content_hash(self.ix).ok(),
        }
    }

    /// What people say of it.
    pub(super) fn said(&self) -> &Said<'a> {
        self.said.get_or_init(|| {
            if let Some(known) = &self.known.said {
                return known.clone();
            }
            match (self.sources.people, self.hash()) {
                (Some(people), Some(hash)) => people.said(hash),
                _ => Said::default(),
            }
        })
    }

    fn is_stale(&self) -> bool {
        if self.known.said.is_some() {
            return self.said().is_stale;
        }
        let asked = self.sources.people.zip(self.hash());
        asked.is_some_and(|(people, hash)| {
            people.is_stale(self.sources.store, self.ix, &self.summary().id, hash)
        })
    }

    fn verdict(&self, rules: Rules) -> Option<Verdict> {
        let known = self.known.verdicts;
        let (known, cell) = match rules {
            Rules::Published => (known.map(|both| both.published), &self.published),
            Rules::Strict => (known.map(|both| both.strict), &self.strict),
        };
        if known.is_some() {
            return known;
        }
        let head = self.head()?;
        let judge = || {
            let tools = Tools {
                program: self.sources.program,
                rules: &[Rules::Published, Rules::Strict],
                cache: self.sources.cache,
                repositories: None,
                flags: None,
                hashes: false,
            };
            let whole = || self.sources.store.load(self.ix);
            judgement(rules, head, &whole, &tools, self.cancel).verdict
        };
        Some(*cell.get_or_init(judge))
    }

    /// What came of it when it was replayed last.
    fn replayed(&self) -> Option<&Brief> {
        self.known.replayed.or_else(|| {
            let people = self.sources.people?;
            people.replayed(self.hash()?)
        })
    }

    fn of_replay(&self, asked: Replay) -> Value<'_> {
        let Some(brief) = self.replayed() else {
            return Value::Absent;
        };
        match asked {
            Replay::IsReproduced => Value::Truth(brief.is_reproduced),
            Replay::Divergence => brief.first_divergence.map_or(Value::Absent, count),
            Replay::Match => Value::number(brief.matched),
            Replay::Patch => Value::truth(brief.patch.map(|same| same != Same::Differs)),
            Replay::Verified => verdict(brief.verified),
            Replay::IsFlaky => Value::Truth(brief.is_flaky),
            Replay::HasError => Value::Truth(brief.has_error),
        }
    }

    fn of_row(&self, fact: Fact) -> Value<'_> {
        let Some(row) = self.row() else {
            return Value::Absent;
        };
        let tokens = &row.tokens;
        match fact {
            Fact::TaskId => Value::text(row.task_id.as_deref()),
            Fact::Task => word(row.task_kind.map(TaskKind::name)),
            Fact::Repo => Value::text(row.repo.as_deref()),
            Fact::Variant => Value::text(row.variant.as_deref()),
            Fact::Model => Value::text(row.model.as_deref()),
            Fact::Attempt => Value::count(row.attempt),
            Fact::Resolved => Value::truth(row.resolved),
            Fact::Reward => Value::number(row.reward),
            Fact::ExitStatus => Value::text(row.exit_status.as_deref()),
            Fact::Error => Value::text(row.error.as_deref()),
            Fact::Steps => count(row.steps),
            Fact::Actions => count(row.actions),
            Fact::FailedActions => count(row.failed_actions),
            #[expect(clippy::cast_precision_loss, reason = "counts of calls fit a double")]
            Fact::FailureRate => Value::number(
                (row.actions > 0).then(|| row.failed_actions as f64 / row.actions as f64),
            ),
            Fact::Duration => Value::number(row.duration_s),
            Fact::Tokens => Value::count(tokens.total()),
            Fact::TokensIn => Value::count(tokens.input),
            Fact::TokensOut => Value::count(tokens.output),
            Fact::TokensCached => Value::count(tokens.cache_read),
            Fact::TokensReasoning => Value::count(tokens.reasoning),
            Fact::Cost => Value::number(row.cost),
            Fact::Children => count(row.children),
            Fact::PatchLines => row.patch_lines.map_or(Value::Absent, count),
            _ => Value::Absent,
        }
    }

    fn place(&self, fact: Fact) -> Value<'_> {
        let store = self.sources.store;
        match fact {
            Fact::Nth => count(self.ix.0.saturating_add(1)),
            Fact::Bytes => {
                let span = store.entry(self.ix).and_then(|entry| entry.span);
                let length = span.map(Span::len_bytes).or_else(|| {
                    let bytes = store.load_bytes(self.ix).ok()?;
                    Some(bytes.len() as u64)
                });
                Value::count(length)
            }
            _ => store.entry(self.ix).map_or(Value::Absent, |entry| {
                let path = entry.path.display();
                Value::Text(Cow::Owned(match &entry.member {
                    Some(member) => format!("{path}:{member}"),
                    None => path.to_string(),
                }))
            }),
        }
    }

    fn of_head(&self, name: &Name) -> Value<'_> {
        let Some(trajectory) = self.head().map(|head| &*head.trajectory) else {
            return Value::Absent;
        };
        let task = trajectory.task.as_ref();
        match name.field.fact {
            Fact::Patch => Value::text(trajectory.final_patch.as_deref()),
            Fact::PatchFiles => trajectory
                .final_patch
                .as_deref()
                .map_or(Value::Absent, files),
            Fact::Statement => Value::text(task.and_then(|task| task.statement.as_deref())),
            Fact::Instruction => Value::text(trajectory.instruction.as_deref()),
            Fact::Answer => Value::text(trajectory.answer.as_deref()),
            _ => {
                let instance = task.and_then(|task| task.instance.as_deref());
                let column = name.param.as_deref().unwrap_or_default();
                let value = instance.and_then(|instance| instance.get(column));
                value.map_or(Value::Absent, of_json)
            }
        }
    }

    fn of_whole(&self, fact: Fact) -> Value<'_> {
        let Some(whole) = self.whole() else {
            return Value::Absent;
        };
        match fact {
            Fact::Agent => Value::text(whole.agent.as_deref()),
            Fact::Finish => Value::text(whole.finish.as_deref()),
            Fact::StartedAt => {
                let first = whole.steps.iter().find_map(|step| step.ts);
                moment(first.map(|stamp| stamp.ms))
            }
            Fact::Flag => {
                let mut words: Vec<&'static str> = Vec::new();
                for flag in self.flags() {
                    if !words.contains(&flag.flag.name()) {
                        words.push(flag.flag.name());
                    }
                }
                Value::Many(words.into_iter().map(Value::word).collect())
            }
            Fact::Share(component) => {
                let found = self.behaviour();
                Value::number(found.and_then(|found| found.table.share(component)))
            }
            _ => Value::Absent,
        }
    }

    fn of_people(&self, name: &Name) -> Value<'_> {
        let said = self.said();
        match name.field.fact {
            Fact::Decisions => {
                let states = said.states.iter();
                count(states.filter(|(_, state)| state.is_decided()).count())
            }
            Fact::Disputed => Value::Truth(people(&said.states).is_disputed()),
            Fact::Stale => Value::Truth(self.is_stale()),
            Fact::Flagged if name.param.is_none() => {
                Value::Truth(said.states.iter().any(|(_, state)| state.flag))
            }
            fact => match said.of(name.param.as_deref()) {
                Some(state) => of_state(state, fact),
                // nobody tagged it, nobody flagged it
                None if fact == Fact::Tag => Value::Many(Vec::new()),
                None if fact == Fact::Flagged => Value::Truth(false),
                None => Value::Absent,
            },
        }
    }

    fn outcome(&self) -> Value<'_> {
        let Some(verdict) = self.verdict(Rules::Published) else {
            return Value::Absent;
        };
        let outcome = Policy::Override.outcome(verdict, &self.said().states);
        Value::word(outcome.verdict.name())
    }
}

impl Record for Subject<'_> {
    fn field(&self, name: &Name) -> Value<'_> {
        match name.field.fact {
            Fact::Id => Value::Text(Cow::Borrowed(&self.summary().id)),
            Fact::Format => word(self.summary().format.map(Format::name)),
            Fact::Fault => {
                let fault = self.summary().fault.as_ref();
                fault.map_or(Value::Absent, |fault| {
                    Value::Text(Cow::Owned(fault.to_string()))
                })
            }
            fact @ (Fact::Nth | Fact::Path | Fact::Bytes) => self.place(fact),
            Fact::Patch
            | Fact::PatchFiles
            | Fact::Statement
            | Fact::Instruction
            | Fact::Answer
            | Fact::Column => self.of_head(name),
            Fact::Decision
            | Fact::Reason
            | Fact::Tag
            | Fact::Note
            | Fact::Flagged
            | Fact::DecidedAt
            | Fact::Secs
            | Fact::Decisions
            | Fact::Disputed
            | Fact::Stale => self.of_people(name),
            Fact::Replay(asked) => self.of_replay(asked),
            Fact::Published => verdict(self.verdict(Rules::Published)),
            Fact::Strict => verdict(self.verdict(Rules::Strict)),
            Fact::Outcome => self.outcome(),
            fact @ (Fact::Agent | Fact::Finish | Fact::StartedAt | Fact::Flag | Fact::Share(_)) => {
                self.of_whole(fact)
            }
            fact => self.of_row(fact),
        }
    }

    fn each_call(&self, visit: &mut dyn FnMut(usize, &dyn Step) -> ControlFlow<()>) -> bool {
        let Some(whole) = self.whole() else {
            return false;
        };
        for step in &whole.steps {
            if self.cancel.is_cancelled() {
                return false;
            }
            let mut show = |action| {
                let call = Call {
                    subject: self,
                    step,
                    action,
                };
                visit(step.idx, &call)
            };
            let is_over = if step.actions.is_empty() {
                show(None).is_break()
            } else {
                let mut actions = step.actions.iter();
                actions.any(|action| show(Some(action)).is_break())
            };
            if is_over {
                break;
            }
        }
        true
    }
}

fn of_state(state: &State, fact: Fact) -> Value<'_> {
    match fact {
        Fact::Decision => word(state.decision.map(Choice::name)),
        Fact::Reason => Value::text(state.reason.as_deref()),
        Fact::Tag => {
            let tags = state.tags.iter();
            Value::Many(tags.map(|tag| Value::Text(Cow::Borrowed(tag))).collect())
        }
        Fact::Note => Value::text(state.note.as_deref()),
        Fact::Flagged => Value::Truth(state.flag),
        Fact::DecidedAt => moment(state.decided_at.map(|at| at.micros() / 1000)),
        Fact::Secs => Value::number((state.secs > 0.0).then_some(state.secs)),
        _ => Value::Absent,
    }
}

fn count(number: usize) -> Value<'static> {
    Value::count(Some(number as u64))
}

fn word(word: Option<&'static str>) -> Value<'static> {
    word.map_or(Value::Absent, Value::word)
}

fn verdict(found: Option<Verdict>) -> Value<'static> {
    word(found.map(Verdict::name))
}

/// The files of a patch, each once.
fn files(patch: &str) -> Value<'static> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for file in parse_patch(patch) {
        if seen.insert(file.path().to_owned()) {
            names.push(file.path().to_owned());
        }
    }
    let texts = names.into_iter().map(|name| Value::Text(Cow::Owned(name)));
    Value::Many(texts.collect())
}

/// A column of a task instance; objects as their JSON.
fn of_json(value: &Json) -> Value<'_> {
    match value {
        Json::Null => Value::Absent,
        Json::Bool(truth) => Value::Truth(*truth),
        Json::Number(number) => Value::number(number.as_f64()),
        Json::String(text) => Value::Text(Cow::Borrowed(text)),
        Json::Array(items) => Value::Many(
            items
                .iter()
                .map(|item| match item {
                    Json::Array(_) | Json::Object(_) => Value::Text(Cow::Owned(item.to_string())),
                    item => of_json(item),
                })
                .collect(),
        ),
        Json::Object(_) => Value::Text(Cow::Owned(value.to_string())),
    }
}
