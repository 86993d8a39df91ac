//! Queues over what is loaded: their rows, their counts, and what they say of the filter. Pure; run off the UI thread.

use std::collections::HashSet;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::config::QueueBase;
use crate::config::QueueFilter;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::model::Text;
use crate::model::Verdict;
use crate::review::queue::AuditReport;
use crate::review::queue::Queue;
use crate::review::queue::QueueRow;
use crate::review::queue::filter_filter_counts;
use crate::review::queue::filter_person_counts;
use crate::select::Selector;
use crate::ui::data::Backing;
use crate::ui::data::Rows;
use crate::ui::data::answers::Asking;

/// What the screen of queues tells.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueCounts {
    /// Records in each queue, in the order in which they were asked about.
    pub counts: Vec<usize>,
    /// Each filter beside people: the published and the strict rules, labels where there are any, and the filters of
    /// the queues in the settings.
    pub people: Vec<FilterCounts>,
    /// Published beside strict rules.
    pub filters: [usize; 4],
    /// Records that are judged, of all.
    pub judged: (usize, usize),
}

/// A filter beside what people say.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterCounts {
    /// The filter.
    pub filter: QueueFilter,
    /// Records in each cell, in the order of `Cell::ALL`.
    pub cells: [usize; 4],
    /// What the audit slice says of it; `None` without an audit queue.
    pub audit: Option<AuditReport>,
}

/// A queue as it is shown: its records in its order, and those that were chosen among the attempts of their tasks.
pub(super) type Ran = (Vec<u32>, HashSet<u32>);

/// The rows of all records; empty ones where they are not known.
fn summaries(rows: &Rows) -> Vec<Arc<Summary>> {
    let all = (0..rows.len()).map(RecordIx);
    all.map(|ix| rows.get(ix).unwrap_or_default()).collect()
}

/// What queues know of all rows.
fn rows_of<'a>(rows: &'a Rows, summaries: &'a [Arc<Summary>], me: &'a Text) -> Vec<QueueRow<'a>> {
    let row = |(ix, summary): (usize, &'a Arc<Summary>)| {
        let record = RecordIx(ix);
        let marks = rows.marks(record);
        let voices = rows.voices(record);
        let others = voices.map(|voices| {
            let others = voices.others.iter();
            others.map(|(name, state)| (name, state)).collect()
        });
        QueueRow {
            ix,
            hash: rows.hashes().get(record).copied(),
            id: &summary.id,
            task_id: summary.task_id.as_deref(),
            task_kind: summary.task_kind,
            repo: summary.repo.as_deref(),
            model: summary.model.as_deref(),
            published: marks.map_or(Verdict::Unjudged, |marks| marks.published),
            strict: marks.map_or(Verdict::Unjudged, |marks| marks.strict),
            mine: voices.and_then(|voices| voices.mine.as_ref()),
            others: others.unwrap_or_default(),
            me: Some(me),
            has_flags: marks.is_some_and(|marks| marks.is_flagged),
            is_stale: voices.is_some_and(|voices| voices.is_stale),
            resolved: summary.resolved,
            score: summary.reward,
            steps: summary.steps,
            is_selected: true,
        }
    };
    // a task without an attempt waits for nobody's decision
    let attempts = summaries.iter().enumerate();
    let attempts = attempts.filter(|(_, summary)| !summary.is_task());
    attempts.map(row).collect()
}

/// Runs a queue over all rows; `None` when cancelled.
pub(super) fn run(asking: &Asking<'_>, queue: &Queue) -> Option<Ran> {
    let summaries = summaries(asking.rows);
    let mut of = rows_of(asking.rows, &summaries, asking.me);
    select(asking, queue, &mut of)?;
    let places = queue.run(&of);
    let small = |ix: RecordIx| u32::try_from(ix.0).ok();
    let best = places.iter().filter(|place| place.is_best);
    let best = best.filter_map(|place| small(place.ix)).collect();
    let listed = places.iter().filter_map(|place| small(place.ix)).collect();
    Some((listed, best))
}

/// Says of each row whether the queue's query takes it; `None` when cancelled.
fn select(asking: &Asking<'_>, queue: &Queue, rows: &mut [QueueRow<'_>]) -> Option<()> {
    let Some(query) = &queue.query else {
        for row in rows {
            row.is_selected = true;
        }
        return (!asking.cancel.is_cancelled()).then_some(());
    };
    for row in rows.iter_mut() {
        row.is_selected = false;
    }
    // whoever offers a queue has read its query before: what is wrong with it was said there
    if let Ok(selector) = Selector::parse(query) {
        let all = rows.iter().filter_map(|row| u32::try_from(row.ix).ok());
        let all: Vec<u32> = all.collect();
        for ix in asking.taken(&selector, &all, &mut |_, _| {})? {
            let at = rows.binary_search_by_key(&(ix as usize), |row| row.ix);
            if let Some(row) = at.ok().and_then(|at| rows.get_mut(at)) {
                row.is_selected = true;
            }
        }
    }
    Some(())
}

/// Counts queues; `None` when cancelled.
pub fn count(
    rows: &Rows,
    backing: &Backing<'_>,
    queues: &[Queue],
    me: &Text,
    cancel: &Cancel,
) -> Option<QueueCounts> {
    let summaries = summaries(rows);
    let asking = Asking {
        rows,
        backing,
        me,
        cancel,
    };
    let mut of = rows_of(rows, &summaries, me);
    let mut counts = Vec::with_capacity(queues.len());
    for queue in queues {
        select(&asking, queue, &mut of)?;
        counts.push(queue.run(&of).len());
    }
    // what follows is about all records
    for row in &mut of {
        row.is_selected = true;
    }
    let mut filters = vec![QueueFilter::Published, QueueFilter::Strict];
    if of.iter().any(|row| row.resolved.is_some()) {
        filters.push(QueueFilter::Resolved);
    }
    for queue in queues {
        let compares = matches!(queue.base, QueueBase::FilterPerson | QueueBase::Audit);
        if compares && !filters.contains(&queue.filter) {
            filters.push(queue.filter);
        }
    }
    let mut audits = queues.iter().filter(|queue| queue.base == QueueBase::Audit);
    let audit = audits.next();
    let beside_people = |filter| FilterCounts {
        filter,
        cells: filter_person_counts(&of, filter),
        audit: audit.map(|queue| {
            let queue = Queue {
                filter,
                ..queue.clone()
            };
            queue.audit_report(&of)
        }),
    };
    Some(QueueCounts {
        counts,
        people: filters.into_iter().map(beside_people).collect(),
        filters: filter_filter_counts(&of),
        judged: (rows.marked(), rows.attempts()),
    })
}
