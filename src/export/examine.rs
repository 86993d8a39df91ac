//! The first look at a record: what policy, filter and contamination list say of it, and what selection needs to know.
//!
//! Reads as little as the options ask for: nothing at all where every record is kept, the bytes where decisions are
//! looked up by a hash that the index does not know, the head where a selection wants the trajectory, or a filter whose
//! verdict counts and is not known.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use sha2::Digest as _;
use sha2::Sha256;

use crate::error::Result;
use crate::export::Dropped;
use crate::export::Judge;
use crate::export::Judged;
use crate::export::Jury;
use crate::export::Masks;
use crate::export::Options;
use crate::export::Prefer;
use crate::export::Selected;
use crate::export::Stage;
use crate::export::StaleDecision;
use crate::export::Subject;
use crate::export::Told;
use crate::export::repo;
use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::StepKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::query::Cost;
use crate::review::By;
use crate::review::Choice;
use crate::review::Mask;
use crate::review::People;
use crate::review::Policy;
use crate::review::Present;
use crate::review::Stale;
use crate::review::State;
use crate::review::earlier;
use crate::review::people;
use crate::store::Head;
use crate::store::Store;
use crate::verify::FAILED;

/// A record that may be kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) ix: RecordIx,
    pub(super) hash: Option<ContentHash>,
    pub(super) id: String,
    pub(super) source: String,
    /// What attempts are grouped by: the task, else the record's own id.
    pub(super) task: String,
    /// As [`repo::of`] tells it.
    pub(super) repo: Option<String>,
    pub(super) score: Option<f64>,
    pub(super) steps: usize,
    /// Task and final patch, where there is one that says something.
    pub(super) patch: Option<ContentHash>,
    /// What was said and called, without ids and times.
    pub(super) talk: Option<ContentHash>,
    pub(super) masks: Masks,
    pub(super) told: Told,
}

/// What was read of a record on the way.
#[derive(Default)]
pub(super) struct Known {
    pub(super) head: Option<Head>,
    pub(super) bytes: Option<Vec<u8>>,
}

/// What was read of a record so far.
struct Looked {
    head: Option<Result<Head, Fault>>,
    bytes: Option<Vec<u8>>,
}

impl Looked {
    fn readable(&self) -> Option<&Head> {
        self.head.as_ref()?.as_ref().ok()
    }
}

/// What has to be known of each record.
#[expect(clippy::struct_excessive_bools, reason = "each is a need of its own")]
pub(super) struct Examiner<'a> {
    store: &'a Store,
    jury: &'a Jury<'a>,
    excluded: HashSet<String>,
    needs_hash: bool,
    /// A selection goes by the trajectory, or the rows tell what the filter says.
    needs_head: bool,
    /// A filter has a say.
    judges: bool,
    needs_steps: bool,
    needs_talk: bool,
    /// The records that were come to, where decisions on older ones are told.
    seen: Option<Mutex<Seen>>,
}

/// The records of the data as far as older decisions are concerned.
#[derive(Debug, Default)]
struct Seen {
    /// Those that were looked at.
    present: Vec<Present>,
    /// Those that were not selected and not read.
    outside: Vec<RecordIx>,
}

impl<'a> Examiner<'a> {
    /// Reads the contamination list.
    ///
    /// # Errors
    /// *input* when it cannot be read.
    pub(super) fn new(store: &'a Store, jury: &'a Jury<'a>, options: &Options) -> Result<Self> {
        let curation = &options.curation;
        let excluded = match &curation.exclude_repos {
            Some(path) => repo::load(path)?,
            None => HashSet::new(),
        };
        let needs_head = options.format.tells_verdict
            || curation.exclude_repos.is_some()
            || curation.per_task.is_some()
            || curation.dedupe
            || !curation.splits.is_empty();
        let ledger = jury.ledger.is_some_and(|l| l.records().next().is_some());
        Ok(Self {
            store,
            jury,
            excluded,
            needs_hash: ledger || curation.sample.is_some(),
            needs_head,
            judges: jury.judges(),
            needs_steps: curation.per_task.is_some() && curation.prefer == Prefer::Shortest,
            needs_talk: curation.dedupe,
            seen: (ledger && jury.place.is_some() && jury.policy != Policy::AutoOnly)
                .then(Mutex::default),
        })
    }

    /// The decisions on what the records that were looked at were before, in the order of the records.
    pub(super) fn stale(&self) -> Vec<StaleDecision> {
        let (Some(seen), Some(ledger), Some(place)) =
            (&self.seen, self.jury.ledger, self.jury.place)
        else {
            return Vec::new();
        };
        let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        let (mut present, outside) = (seen.present, seen.outside);
        present.sort_by_key(|record| record.ix);
        let name = |record: &Present| {
            let ix = RecordIx(record.ix);
            let entry = self.store.entry(ix)?;
            let id = self.store.summarize(ix).id;
            let member = entry.member.as_deref();
            Some(place.record(record.sha256, &id, &entry.path, member, entry.row))
        };
        let told = |(ix, stale): (usize, Stale<'_>)| StaleDecision {
            id: stale.record.id.to_string(),
            source: self.source(RecordIx(ix)),
            sha256: stale.record.sha256,
            reviewer: stale.reviewer.to_string(),
            decision: stale.state.decision.map(Choice::name),
        };
        let mut found = earlier(ledger, place, &present, name);
        if !found.is_empty() && !outside.is_empty() {
            // what was decided may have moved to a place that was not looked at: only now is it worth reading
            let looked_at: HashSet<usize> = present.iter().map(|record| record.ix).collect();
            present.extend(
                outside
                    .into_iter()
                    .filter_map(|ix| Some(self.present(ix, self.store.content_hash(ix).ok()?))),
            );
            present.sort_by_key(|record| record.ix);
            found = earlier(ledger, place, &present, name);
            found.retain(|(ix, _)| looked_at.contains(ix));
        }
        found.into_iter().map(told).collect()
    }

    fn present(&self, ix: RecordIx, sha256: ContentHash) -> Present {
        Present {
            ix: ix.0,
            sha256,
            row: self.store.entry(ix).map_or(0, |entry| entry.row),
        }
    }

    /// Whether records can be excluded by repository.
    pub(super) fn knows_repos(&self) -> bool {
        !self.excluded.is_empty()
    }

    /// Keeps in mind that a record with this content is there, where that is asked for.
    fn remember(&self, ix: RecordIx, hash: Option<ContentHash>) {
        if let (Some(seen), Some(sha256)) = (&self.seen, hash) {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.present.push(self.present(ix, sha256));
        }
    }

    /// Keeps in mind that a record is there that was not selected.
    fn pass_over(&self, ix: RecordIx) {
        if let Some(seen) = &self.seen {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.outside.push(ix);
        }
    }

    /// A record of which nothing was read.
    fn unseen(&self, ix: RecordIx, stage: Stage, reason: String) -> Dropped {
        Dropped {
            id: self.id_unread(ix),
            source: self.source(ix),
            stage,
            reason,
        }
    }

    /// Looks at a record; what was read of it stays with the subject.
    pub(super) fn examine(&self, ix: RecordIx) -> Result<(Candidate, Known), Dropped> {
        let unread = |why: String| self.unseen(ix, Stage::Read, why);
        let outside = || {
            self.pass_over(ix);
            self.unseen(ix, Stage::Where, "not selected".to_owned())
        };
        let selected = self.jury.selected.as_ref();
        let is_cheap = |selected: &&Selected<'_>| {
            let has_head = self.needs_head || self.judges;
            !has_head || selected.selector.needs().cost == Cost::Summary
        };
        if selected
            .filter(is_cheap)
            .is_some_and(|selected| !selected.takes(ix, None))
        {
            return Err(outside());
        }
        let dear = selected.filter(|selected| !is_cheap(selected));
        let mut looked = self.look(ix, dear.is_some());
        // what is not selected need not be readable
        if dear.is_some_and(|selected| !selected.takes(ix, looked.readable())) {
            return Err(outside());
        }
        let hash = self
            .hash(ix, &mut looked, dear.is_some())
            .map_err(|fault| unread(fault.unread("")))?;
        self.remember(ix, hash);
        let states: Vec<(&Text, &State)> = match (self.jury.ledger, hash) {
            (Some(ledger), Some(hash)) => ledger.states(hash).collect(),
            _ => Vec::new(),
        };
        let judged = self
            .judged(ix, &mut looked, &states)
            .map_err(|fault| unread(fault.unread("")))?;
        let Looked { head, bytes } = looked;
        let head = head.and_then(Result::ok);
        let trajectory = head.as_ref().map(|head| &*head.trajectory);
        let id = trajectory.map_or_else(String::new, |t| t.id.clone());
        let drop_at = |stage: Stage, reason: String| Dropped {
            id: self.id(ix, &id),
            source: self.source(ix),
            stage,
            reason,
        };
        if self.is_task(ix, trajectory) {
            let why = "is a task, and no attempt".to_owned();
            return Err(drop_at(Stage::Outcome, why));
        }
        let (told, masks) = self
            .outcome(judged, &states)
            .map_err(|why| drop_at(Stage::Outcome, why))?;
        let repo = trajectory.and_then(repo::of);
        if let Some(repo) = &repo
            && self.excluded.contains(repo)
        {
            return Err(drop_at(Stage::Repo, format!("{repo} is excluded")));
        }
        let candidate = Candidate {
            ix,
            hash,
            task: trajectory.map_or_else(String::new, |t| {
                t.task_id.clone().unwrap_or_else(|| t.id.clone())
            }),
            repo,
            score: told.score,
            told,
            steps: 0,
            patch: trajectory.and_then(patch_of),
            talk: None,
            masks,
            id: id.clone(),
            source: self.source(ix),
        };
        Ok((candidate, Known { head, bytes }))
    }

    /// Whether a record of which this much was read is a task. Those of other files than of tasks need not be read for it.
    fn is_task(&self, ix: RecordIx, known: Option<&Trajectory>) -> bool {
        let is_read = || {
            let head = self.store.load_head(ix);
            head.is_ok_and(|head| head.trajectory.is_task())
        };
        let is_of_tasks = || {
            let entry = self.store.entry(ix);
            entry.is_some_and(|entry| entry.format == Some(Format::Task))
        };
        known.map_or_else(|| is_of_tasks() && is_read(), Trajectory::is_task)
    }

    /// Fills in what only a whole trajectory tells.
    pub(super) fn complete(&self, candidate: &mut Candidate, subject: &Subject<'_>) {
        if !self.needs_steps && !self.needs_talk {
            return;
        }
        if let Ok(trajectory) = subject.trajectory() {
            candidate.steps = trajectory.agent_steps();
            if self.needs_talk {
                candidate.talk = talk_of(trajectory);
            }
        }
    }

    /// Reads the head where somebody will want it in any case, or it costs no more than the hash alone.
    fn look(&self, ix: RecordIx, is_selected_by_it: bool) -> Looked {
        let has_to_hash = || self.needs_hash && self.store.known_content(ix).is_none();
        let is_wanted = self.needs_head || is_selected_by_it || (self.judges && has_to_hash());
        Looked {
            head: is_wanted.then(|| self.store.load_head(ix)),
            bytes: None,
        }
    }

    /// The content, where it is asked for.
    ///
    /// # Errors
    /// The fault of what cannot be read.
    fn hash(
        &self,
        ix: RecordIx,
        looked: &mut Looked,
        is_selected_by_head: bool,
    ) -> Result<Option<ContentHash>, Fault> {
        if (self.needs_head || is_selected_by_head)
            && let Some(Err(fault)) = &looked.head
        {
            return Err(fault.clone());
        }
        if !self.needs_hash {
            return Ok(None);
        }
        if let Some(head) = looked.readable() {
            return Ok(Some(head.hash()));
        }
        let (hash, bytes) = self.store.content(ix)?;
        looked.bytes = bytes;
        Ok(Some(hash))
    }

    /// What the filter says, where it counts.
    ///
    /// # Errors
    /// The fault of what has to be read for that and cannot be.
    fn judged(
        &self,
        ix: RecordIx,
        looked: &mut Looked,
        states: &[(&Text, &State)],
    ) -> Result<Judged, Fault> {
        let Some(filter) = self.jury.filter else {
            let head = looked.readable();
            return Ok(Judged {
                verdict: Verdict::Accept,
                why: String::new(),
                score: head.and_then(|head| head.trajectory.outcome.reward),
            });
        };
        let is_asked = self.judges && self.jury.policy.asks_filter(states);
        if is_asked && looked.head.is_none() {
            if let Some(known) = filter.known(ix) {
                return Ok(known);
            }
            looked.head = Some(self.store.load_head(ix));
        }
        match &looked.head {
            Some(Ok(head)) if is_asked || self.needs_head => Ok(filter.judge(ix, head)),
            Some(Err(fault)) if is_asked => Err(fault.clone()),
            _ => Ok(Judged {
                verdict: Verdict::Unjudged,
                why: String::new(),
                score: None,
            }),
        }
    }

    /// The outcome, in words why it is not to accept.
    fn outcome(&self, judged: Judged, states: &[(&Text, &State)]) -> Result<(Told, Masks), String> {
        let policy = self.jury.policy;
        let outcome = policy.outcome(judged.verdict, states);
        // nobody asked for a filter: what neither it nor anybody else says anything of stays, but for attempts that came
        // to nothing
        let is_failure = judged.verdict == Verdict::Unjudged && judged.why.starts_with(FAILED);
        let is_let_be = outcome.by == By::Nobody
            && !is_failure
            && policy != Policy::HumanOnly
            && self.jury.filter.is_some_and(Judge::is_lenient);
        if outcome.verdict != Verdict::Accept && !is_let_be {
            let is_filters = outcome.by != By::People;
            let why = if is_filters && !judged.why.is_empty() {
                format!("{}: {}", outcome.why, judged.why)
            } else {
                outcome.why
            };
            return Err(why);
        }
        let masks = match policy {
            // nothing that people say counts
            Policy::AutoOnly => Masks::new(),
            _ => masks_of(states),
        };
        let told = Told {
            verdict: self.jury.filter.map(|_| judged.verdict),
            why: judged.why,
            score: judged.score,
            decision: decision_of(states),
            outcome: outcome.verdict,
        };
        Ok((told, masks))
    }

    fn source(&self, ix: RecordIx) -> String {
        let Some(entry) = self.store.entry(ix) else {
            return String::new();
        };
        let path = entry.path.display();
        let file = match &entry.member {
            Some(member) => format!("{path}:{member}"),
            None => path.to_string(),
        };
        if entry.row == 0 {
            file
        } else {
            format!("{file}:{}", entry.row + 1)
        }
    }

    /// The id that is told of a record: `known` where its trajectory was read, and else the same.
    pub(super) fn id(&self, ix: RecordIx, known: &str) -> String {
        if !known.is_empty() {
            return known.to_owned();
        }
        if self.judges {
            // whether the trajectory had to be read must not show
            return self.store.summarize(ix).id;
        }
        self.id_unread(ix)
    }

    fn id_unread(&self, ix: RecordIx) -> String {
        let peeked = self.store.peek_id(ix);
        peeked.unwrap_or_else(|| self.store.summarize(ix).id)
    }
}

/// What people say together, in a word.
fn decision_of(states: &[(&Text, &State)]) -> Option<&'static str> {
    match people(states) {
        People::Nobody => None,
        People::Skipped(_) => Some(Choice::Skip.name()),
        People::Disputed(_) => Some("disputed"),
        agreed @ People::Agreed(_) => Some(agreed.verdict().name()),
    }
}

/// The masks of all reviewers; where they differ the one that keeps more away from training counts.
fn masks_of(states: &[(&Text, &State)]) -> Masks {
    let weight = |mask: Mask| match mask {
        Mask::Train => 0,
        Mask::Context => 1,
        Mask::Drop => 2,
    };
    let mut masks: Masks = BTreeMap::new();
    for (_, state) in states {
        for (step, mask) in &state.masks {
            let known = masks.entry(*step).or_insert(*mask);
            if weight(*mask) > weight(*known) {
                *known = *mask;
            }
        }
    }
    masks.retain(|_, mask| *mask != Mask::Train);
    masks
}

fn patch_of(trajectory: &Trajectory) -> Option<ContentHash> {
    let patch = trajectory.final_patch.as_deref()?;
    if patch.trim().is_empty() {
        return None;
    }
    let task = trajectory.task_id.as_deref().unwrap_or_default();
    Some(ContentHash::of(format!("{task}\0{patch}").as_bytes()))
}

/// What was said, called and answered, its white space and numbers of calls aside.
fn talk_of(trajectory: &Trajectory) -> Option<ContentHash> {
    let mut hasher = Sha256::new();
    let mut is_empty = true;
    let mut add = |mark: &str, text: &str| {
        hasher.update(mark.as_bytes());
        for word in text.split_whitespace() {
            hasher.update(word.as_bytes());
            hasher.update(b" ");
        }
        hasher.update([0]);
    };
    for step in &trajectory.steps {
        if step.kind == StepKind::Context {
            continue;
        }
        is_empty = false;
        for text in [&step.thought, &step.text].into_iter().flatten() {
            add("t", text);
        }
        for action in &step.actions {
            add("c", &action.tool);
            add("a", &action.args.to_string());
            if let Some(seen) = &action.observation {
                add("o", seen.first_text().map_or("", |text| text));
            }
        }
    }
    if is_empty {
        return None;
    }
    let digest = hasher.finalize();
    Some(ContentHash::of(&digest))
}
