//! Queues: what is offered, what they count, and the list that shows one.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::config::QueueBase;
use crate::model::Verdict;
use crate::review::queue::AuditReport;
use crate::review::queue::Cell;
use crate::review::queue::Queue;
use crate::review::queue::Rate;
use crate::text::clean_line;
use crate::text::human;
use crate::theme::Role;
use crate::ui::app::App;
use crate::ui::app::blind::THIS_QUEUE;
use crate::ui::app::context;
use crate::ui::data::Arrangement;
use crate::ui::data::queues::QueueCounts;
use crate::ui::effect::CountJob;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;
use crate::ui::overlay;
use crate::ui::overlay::ChoiceKind;
use crate::ui::overlay::Overlay;
use crate::ui::widget::Entry;

impl App {
    /// Every queue that is offered: the built-in ones, filter and person cell by cell, and those of the settings.
    fn offered(&self) -> Vec<Queue> {
        let mut queues = Vec::new();
        for queue in Queue::built_in() {
            if queue.base == QueueBase::FilterPerson {
                queues.extend(Cell::ALL.map(|cell| Queue {
                    name: cell_words(cell),
                    cell: Some(cell),
                    ..queue.clone()
                }));
            } else {
                queues.push(queue);
            }
        }
        // everything first: the way back
        queues.sort_by_key(|queue| queue.base != QueueBase::All);
        queues.extend(self.data.desk.queues().iter().cloned());
        queues
    }

    /// Counts the queues, then shows them.
    pub(super) fn ask_queues(&mut self, effects: &mut Vec<Effect>) {
        let queues = self.offered();
        self.overlays.push(self.queue_overlay(&queues, None));
        let me = self.data.desk.reviewer().into();
        effects.push(Effect::CountQueues(Box::new(CountJob {
            rows: self.data.snapshot(),
            queues,
            me,
            answers: Arc::clone(&self.data.answers),
            judging: self.data.judging,
        })));
    }

    /// Takes the counts, where the queues are still shown.
    pub(super) fn queues_counted(&mut self, counts: &QueueCounts) {
        let queues = self.offered();
        if counts.counts.len() != queues.len() {
            return;
        }
        let counted = self.queue_overlay(&queues, Some(counts));
        if let Some(top @ Overlay::Choose(_)) = self.overlays.last_mut() {
            top.refill(counted);
        }
    }

    fn queue_overlay(&self, queues: &[Queue], counts: Option<&QueueCounts>) -> Overlay {
        let entries = queues.iter().enumerate().map(|(ix, queue)| {
            let count = counts.and_then(|counts| counts.counts.get(ix));
            Entry {
                label: clean_line(&queue.name).into_owned(),
                doc: match &queue.query {
                    Some(query) => clean_line(query).into_owned(),
                    None => queue.doc().to_owned(),
                },
                note: match count {
                    _ if self.is_hidden(queue) => "hidden".to_owned(),
                    Some(count) => human::count(*count),
                    None => "…".to_owned(),
                },
            }
        });
        let shown = self.list.how().queue.as_ref();
        let current = queues.iter().position(|queue| Some(queue) == shown);
        let facts = if self.data.desk.is_blind() {
            let text = "what the filters say is hidden while blind (B shows it)".to_owned();
            vec![(text, Role::Dim)]
        } else {
            counts.map(facts).unwrap_or_default()
        };
        Overlay::Choose(overlay::Choose::new(
            ChoiceKind::Queue,
            entries.collect(),
            current.unwrap_or(0),
            facts,
        ))
    }

    /// A queue was chosen: the list shows it.
    pub(super) fn choose_queue(&mut self, row: usize, effects: &mut Vec<Effect>) {
        let Some(queue) = self.offered().into_iter().nth(row) else {
            return;
        };
        if self.is_hidden(&queue) {
            return self.refuse_hidden(THIS_QUEUE);
        }
        let is_all = queue.base == QueueBase::All && queue.name == QueueBase::All.name();
        let name = queue.name.clone();
        let how = Arrangement {
            queue: (!is_all).then_some(queue),
            // all is the way back to everything
            filter: self.list.how().filter.clone().filter(|_| !is_all),
            ..Arrangement::default()
        };
        self.close_all(effects);
        self.data.desk.clear_selection();
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        self.list.arrange_from_top(how, &cx, effects);
        self.status
            .pass(Tone::Info, format!("queue: {}", clean_line(&name)));
    }
}

/// `filter accepts, person rejects`.
fn cell_words(cell: Cell) -> String {
    let word = |verdict| match verdict {
        Verdict::Accept => "accepts",
        Verdict::Reject => "rejects",
        Verdict::Unjudged => "is silent",
    };
    format!("filter {}, person {}", word(cell.filter), word(cell.person))
}

/// What stands below the queues: the tables, and how often the filter is wrong.
fn facts(counts: &QueueCounts) -> Vec<(String, Role)> {
    let (judged, all) = counts.judged;
    let mut facts = Vec::new();
    if judged < all {
        let text = format!(
            "{} of {} records are judged so far",
            human::count(judged),
            human::count(all)
        );
        facts.push((text, Role::Warning));
    }
    facts.push((
        format!(
            "{:<22}{:>12}{:>12}{:>12}{:>12}",
            "", "both accept", "acc / rej", "rej / acc", "both reject"
        ),
        Role::Header,
    ));
    let row = |name: &str, cells: &[usize; 4]| {
        let mut line = format!("{name:<22}");
        for cell in cells {
            // writing to a text cannot fail
            let _done = write!(line, "{:>12}", human::count(*cell));
        }
        (line, Role::Text)
    };
    for beside in &counts.people {
        facts.push(row(&format!("{} / person", beside.filter), &beside.cells));
    }
    facts.push(row("published / strict", &counts.filters));
    for beside in &counts.people {
        if let Some(audit) = &beside.audit {
            let words = audit_words(&beside.filter.to_string(), audit);
            facts.extend(words.map(|words| (words, Role::Dim)));
        }
    }
    facts
}

/// `audit: published wrong in 3/40 accepts = 7.5 % (2.6–19.9), 0/20 rejects = …`, in two lines.
fn audit_words(name: &str, audit: &AuditReport) -> [String; 2] {
    let words = |what: &str, rate: &Rate| match (rate.rate, &rate.interval) {
        (Some(share), Some(interval)) => format!(
            "audit: {name} wrong in {}/{} {what} = {:.1} % ({:.1}–{:.1})",
            rate.wrong,
            rate.decided,
            share * 100.0,
            interval.low * 100.0,
            interval.high * 100.0
        ),
        _ => format!("audit: {name}, no {what} of the slice decided yet"),
    };
    [
        words("accepts", &audit.false_accepts),
        words("rejects", &audit.false_rejects),
    ]
}
