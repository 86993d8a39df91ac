//! Searching all trajectories: hits are cleaned and handed on a few times a second.

use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::model::RecordIx;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::child_path;
use crate::search;
use crate::search::Answer;
use crate::search::Hit;
use crate::search::Records;
use crate::search::Told;
use crate::text::clean_line;
use crate::ui::effect::GrepJob;
use crate::ui::event::GrepHit;
use crate::ui::event::GrepState;
use crate::ui::event::Notice;
use crate::ui::tasks::Env;
use crate::ui::view::results::ResultsView;

/// What was found and not handed on yet.
struct Catch<'a> {
    job: &'a GrepJob,
    hits: Vec<GrepHit>,
    found: usize,
    state: GrepState,
    told: Option<Instant>,
}

impl Catch<'_> {
    const PACE: Duration = Duration::from_millis(50);

    fn take(&mut self, answer: Answer) {
        let Ok((trajectory, hits)) = answer.found else {
            self.state.unread += 1;
            return;
        };
        let id: Text = clean_line(&trajectory.id).into();
        for hit in hits {
            if self.found == ResultsView::MOST {
                self.state.is_cut = true;
                return;
            }
            self.found += 1;
            self.hits.push(row(answer.record, &trajectory, &id, hit));
        }
    }

    fn tell(&mut self, say: &mut dyn FnMut(Notice)) {
        let hits = std::mem::take(&mut self.hits);
        say(Notice::Grepped(self.job.generation, hits, self.state));
        self.told = Some(Instant::now());
    }

    /// The first hits at once, later ones when it is time.
    fn is_due(&self) -> bool {
        self.told.is_none_or(|told| told.elapsed() > Self::PACE)
    }
}

/// Searches what the job says, until it is done, stopped, or more was found than is kept.
pub(super) fn grep(job: &GrepJob, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    let records = job.order.listed().map_or(Records::All, Records::These);
    let mut catch = Catch {
        job,
        hits: Vec::new(),
        found: 0,
        state: GrepState::default(),
        told: None,
    };
    search::run(&env.store, &job.pattern, &records, cancel, &mut |told| {
        match told {
            Told::Answer(answer) => catch.take(answer),
            Told::Progress(at) => {
                catch.state.records = at.records;
                catch.state.of = at.of;
            }
        }
        if catch.is_due() {
            catch.tell(say);
        }
        !catch.state.is_cut
    });
    if !cancel.is_cancelled() {
        catch.state.is_done = true;
        catch.tell(say);
    }
}

fn row(record: RecordIx, trajectory: &Trajectory, id: &Text, hit: Hit) -> GrepHit {
    let piece = |range| {
        let text = hit.excerpt.get(range).unwrap_or_default();
        clean_line(text).into_owned()
    };
    let source = &trajectory.source;
    let reference = source.child_reference(&trajectory.id, &hit.children, hit.step);
    let child = child_path(&hit.children);
    let name = match hit.step {
        Some(step) => format!("{id}{child}@{step}"),
        None => format!("{id}{child}"),
    };
    GrepHit {
        record,
        id: id.clone(),
        reference: reference.into(),
        name,
        before: piece(0..hit.matched.start),
        matched: piece(hit.matched.clone()),
        after: piece(hit.matched.end..hit.excerpt.len()),
        children: hit.children,
        step: hit.step,
        place: hit.place,
        count: hit.count,
    }
}
