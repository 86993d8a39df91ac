//! The export itself: examine, select, render and write, in parallel and in order.
//!
//! Where no selection needs all records at once, each is read once and streams through; else a first pass looks at all of
//! them and a second renders what was chosen. While one batch is written the next is rendered; inputs are hashed beside.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::export::Body;
use crate::export::Context;
use crate::export::Dropped;
use crate::export::Form;
use crate::export::Gone;
use crate::export::Jury;
use crate::export::Loss;
use crate::export::LossTold;
use crate::export::MaskPlace;
use crate::export::Options;
use crate::export::RecordLosses;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Report;
use crate::export::Stage;
use crate::export::Subject;
use crate::export::curate;
use crate::export::dataset::DataSet;
use crate::export::dataset::Rows;
use crate::export::dataset::WrittenSet;
use crate::export::examine::Candidate;
use crate::export::examine::Examiner;
use crate::export::examine::Known;
use crate::export::manifest;
use crate::export::partition;
use crate::export::partition::Divided;
use crate::export::write;
use crate::export::write::Part;
use crate::export::write::Piece;
use crate::export::write::Written;
use crate::model::RecordIx;
use crate::model::Span;
use crate::model::Verdict;
use crate::store::Store;

/// Records of a batch.
const BATCH: usize = 256;
/// Bytes of a batch, as far as they are known; one record may be more.
const BATCH_BYTES: u64 = 16 << 20;

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records that were looked at, or written in the second pass.
    pub done: usize,
    /// Records that will be.
    pub total: usize,
}

/// Exports the records of a store that was scanned. `stdout` is used where the target says so.
///
/// # Errors
/// *user* and *input* when an option, a file or the target is wrong, when a record has masks that the format has no place
/// for, or when the export was cancelled. Nothing is left behind then.
pub fn run(
    store: &Store,
    jury: &Jury<'_>,
    options: &Options,
    stdout: &mut dyn Write,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report> {
    let mut used = jury.journals.clone();
    used.extend(manifest::filter_files(jury));
    write::check(options, store)?;
    write::check_used(options, store, &used)?;
    let context = Context::load(options)?;
    let examiner = Examiner::new(store, jury, options)?;
    let manifest_path = write::manifest_path(options).filter(|_| !options.dry_run);
    let work = Work {
        store,
        options,
        context: &context,
        examiner: &examiner,
    };
    // of its own: the caller's says whether the caller gave up, and nothing else
    let has_failed = Cancel::new();
    let is_over = || cancel.is_cancelled() || has_failed.is_cancelled();
    let (done, inputs) = std::thread::scope(|scope| {
        let hash = || manifest::inputs(store, options.early.as_deref(), &is_over);
        let hashing = manifest_path.as_ref().map(|_| scope.spawn(hash));
        let done = work.run(cancel, progress);
        if done.is_err() {
            // nobody waits for hashes that nobody will read
            has_failed.cancel();
        }
        (done, hashing.map(std::thread::ScopedJoinHandle::join))
    });
    let (mut report, sink) = done?;
    go_on(cancel)?;
    if options.dry_run {
        let there = write::in_the_way(options).into_iter();
        let note =
            |path: PathBuf| format!("{} exists already; --force writes over it", path.display());
        report.notes.extend(there.map(note));
        report.outputs = work.planned(&report);
        return Ok(report);
    }
    let (mut written, set) = sink.finish()?;
    report.outputs = match &set {
        Some(set) => set.told.clone(),
        None => written.iter().map(|file| file.told.clone()).collect(),
    };
    if let (Some(path), Some(inputs)) = (manifest_path, inputs) {
        let inputs = inputs.map_err(|_panic| Error::internal("hashing the inputs failed"))?;
        let mut inputs = inputs.ok_or_else(cancelled)?;
        if !manifest::check(&mut inputs, &is_over) {
            return Err(cancelled());
        }
        let beside =
            manifest::used(&write::sides(options, store), jury, &is_over).ok_or_else(cancelled)?;
        let text = manifest::text(options, jury, (&inputs, &beside), &report)
            .map_err(|err| Error::internal("the manifest").caused_by(err))?;
        written.push(Written::of(path.clone(), text.as_bytes())?);
        report.manifest = Some(path);
    }
    go_on(cancel)?;
    // reports beside the records are known only now
    write::check_used(options, store, &used)?;
    let set = set.map(|set| set.publish(options.force)).transpose()?;
    if let Err(err) = write::publish(written, options.force, stdout, cancel) {
        if let Some(set) = set {
            set.take_back();
        }
        return Err(err);
    }
    Ok(report)
}

fn cancelled() -> Error {
    Error::user("cancelled")
}

fn go_on(cancel: &Cancel) -> Result<()> {
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    Ok(())
}

/// A record after rendering.
struct Made {
    candidate: Candidate,
    part: usize,
    /// Its folder below that of a data set.
    partition: String,
    piece: Piece,
    tokens: usize,
    losses: Vec<Loss>,
}

/// What is written.
enum Sink {
    /// A file, or one for each part of a split.
    Files(Vec<Part>),
    /// Many in a folder.
    Set(Box<DataSet>),
}

impl Sink {
    fn begin(options: &Options) -> Result<Self> {
        let paths = write::paths(options);
        if let (Some(parted), Form::Table(schema)) = (&options.parted, options.format.form) {
            let target = paths.into_iter().next().unwrap_or_default();
            let by = (parted.by.as_slice(), parted.part_bytes);
            let set = DataSet::begin(target, &schema(), by)?;
            return Ok(Self::Set(Box::new(set)));
        }
        let mut parts = Vec::new();
        for (ix, path) in paths.into_iter().enumerate() {
            let split = options.curation.splits.get(ix);
            let name = split.map(|part| part.name.clone());
            parts.push(Part::begin(path, name, options.format.form)?);
        }
        Ok(Self::Files(parts))
    }

    fn write(&mut self, made: Vec<Made>) -> Result<()> {
        match self {
            Self::Files(parts) => write_all(parts, made),
            Self::Set(set) => {
                let mut divided: BTreeMap<String, Rows> = BTreeMap::new();
                for one in made {
                    let rows = divided.entry(one.partition).or_default();
                    rows.pieces.push(one.piece);
                    rows.tokens.push(one.tokens);
                }
                let mut divided = divided.into_iter();
                divided.try_for_each(|(partition, rows)| set.add(&partition, rows))
            }
        }
    }

    fn finish(self) -> Result<(Vec<Written>, Option<WrittenSet>)> {
        match self {
            Self::Files(parts) => {
                let written: Result<Vec<Written>> = parts.into_iter().map(Part::finish).collect();
                Ok((written?, None))
            }
            Self::Set(set) => Ok((Vec::new(), Some(set.finish()?))),
        }
    }
}

struct Work<'a> {
    store: &'a Store,
    options: &'a Options,
    context: &'a Context,
    examiner: &'a Examiner<'a>,
}

/// What is gathered on the way.
#[derive(Default)]
struct Account {
    read: usize,
    kept: usize,
    tokens: usize,
    /// Records, rows and tokens.
    per_part: Vec<[usize; 3]>,
    dropped: Vec<(usize, Dropped)>,
    losses: HashMap<&'static str, LossTold>,
    records: Vec<RecordLosses>,
    without_repo: usize,
}

impl Work<'_> {
    fn run(&self, cancel: &Cancel, progress: &mut dyn FnMut(Progress)) -> Result<(Report, Sink)> {
        let all: Vec<RecordIx> = self.store.records().collect();
        let mut account = Account {
            read: all.len(),
            ..Account::default()
        };
        let mut sink = if self.options.dry_run {
            Sink::Files(Vec::new())
        } else {
            Sink::begin(self.options)?
        };
        if curate::is_global(&self.options.curation) {
            let chosen = self.choose(&all, &mut account, cancel, progress)?;
            let render = |candidate: &Candidate| self.render(candidate.clone(), Known::default());
            self.stream(
                &chosen,
                |c| c.ix,
                render,
                &mut account,
                &mut sink,
                cancel,
                progress,
            )?;
        } else {
            let render = |ix: &RecordIx| self.read_and_render(*ix);
            self.stream(
                &all,
                |ix| *ix,
                render,
                &mut account,
                &mut sink,
                cancel,
                progress,
            )?;
        }
        Ok((self.report(account), sink))
    }

    /// The first pass: looks at all records and selects.
    fn choose(
        &self,
        all: &[RecordIx],
        account: &mut Account,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Candidate>> {
        let mut candidates = Vec::new();
        let total = all.len();
        let mut done = 0;
        for batch in self.batches(all, |ix| *ix) {
            go_on(cancel)?;
            let looked: Vec<Result<Candidate, (usize, Dropped)>> = batch
                .par_iter()
                // rendered once to know whether the format takes it: a record that it refuses must not cost another its place
                .map(|ix| self.read_and_render(*ix).map(|made| made.candidate))
                .collect();
            for look in looked {
                match look {
                    Ok(candidate) => candidates.push(candidate),
                    Err(gone) => self.note(account, gone)?,
                }
            }
            done += batch.len();
            progress(Progress { done, total });
        }
        let places: HashMap<String, usize> = candidates
            .iter()
            .map(|candidate| (candidate.source.clone(), candidate.ix.0))
            .collect();
        for dropped in curate::select(&mut candidates, &self.options.curation) {
            let ix = places.get(&dropped.source).copied().unwrap_or(usize::MAX);
            account.dropped.push((ix, dropped));
        }
        Ok(candidates)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the two passes differ in their items and in how these are rendered"
    )]
    fn stream<T: Sync>(
        &self,
        items: &[T],
        place: impl Fn(&T) -> RecordIx,
        render: impl Fn(&T) -> Result<Made, (usize, Dropped)> + Sync,
        account: &mut Account,
        sink: &mut Sink,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let total = items.len();
        let mut done = 0;
        let mut waiting: Vec<Made> = Vec::new();
        for batch in self.batches(items, place) {
            go_on(cancel)?;
            let (written, made) = rayon::join(
                || sink.write(std::mem::take(&mut waiting)),
                || batch.par_iter().map(&render).collect::<Vec<_>>(),
            );
            written?;
            for one in made {
                match one {
                    Ok(made) => {
                        account.keep(&made, self.options.dry_run);
                        if !self.options.dry_run {
                            waiting.push(made);
                        }
                    }
                    Err(gone) => self.note(account, gone)?,
                }
            }
            done += batch.len();
            progress(Progress { done, total });
        }
        sink.write(waiting)
    }

    /// Items in batches that bound what is held at once.
    fn batches<'t, T>(&self, items: &'t [T], place: impl Fn(&T) -> RecordIx) -> Vec<&'t [T]> {
        let mut batches = Vec::new();
        let (mut start, mut bytes) = (0, 0);
        for (ix, item) in items.iter().enumerate() {
            let entry = self.store.entry(place(item));
            let size = entry
                .and_then(|entry| entry.span)
                .map_or(0, Span::len_bytes);
            let is_full = ix - start >= BATCH || (bytes > 0 && bytes + size > BATCH_BYTES);
            if is_full {
                batches.extend(items.get(start..ix));
                (start, bytes) = (ix, 0);
            }
            bytes += size;
        }
        batches.extend(items.get(start..).filter(|rest| !rest.is_empty()));
        batches
    }

    /// Counts a dropped record; masks without a place end the export.
    fn note(&self, account: &mut Account, (ix, dropped): (usize, Dropped)) -> Result<()> {
        if dropped.stage == Stage::Masks && !self.options.dry_run {
            return Err(Error::user(format!(
                "{} ({}) has step masks, and --format {} has no place for them",
                dropped.id, dropped.source, self.options.format.name
            ))
            .hint("--format chat, sharegpt, atif and steps keep them")
            .hint("--ignore-masks exports all steps alike"));
        }
        account.dropped.push((ix, dropped));
        Ok(())
    }

    fn read_and_render(&self, ix: RecordIx) -> Result<Made, (usize, Dropped)> {
        let looked = self.examiner.examine(ix).map_err(|gone| (ix.0, gone))?;
        let (candidate, known) = looked;
        self.render(candidate, known)
    }

    fn render(&self, mut candidate: Candidate, known: Known) -> Result<Made, (usize, Dropped)> {
        let place = candidate.ix;
        let exporter = self.options.format;
        let masks = candidate.masks.clone();
        let gone = |candidate: &Candidate, stage: Stage, reason: String| {
            let dropped = Dropped {
                id: self.examiner.id(place, &candidate.id),
                source: candidate.source.clone(),
                stage,
                reason,
            };
            (place.0, dropped)
        };
        if !masks.is_empty() && exporter.masks == MaskPlace::Nowhere && !self.options.ignore_masks {
            let why = "has step masks that the format has no place for".to_owned();
            return Err(gone(&candidate, Stage::Masks, why));
        }
        let nothing = crate::export::Masks::new();
        let used = if self.options.ignore_masks {
            &nothing
        } else {
            &masks
        };
        let mut subject = Subject::new(self.store, place, used);
        let mut bytes = known.bytes;
        if let Some(head) = known.head {
            if head.is_whole {
                subject.know(Arc::clone(&head.trajectory));
            }
            let (read, survey) = head.into_read();
            bytes = bytes.or(read);
            if let Some(survey) = survey {
                subject.know_survey(survey);
            }
        }
        if let Some(bytes) = bytes {
            subject.know_bytes(bytes);
        }
        self.examiner.complete(&mut candidate, &subject);
        let part = curate::part_of(&candidate, &self.options.curation);
        let split = self.options.curation.splits.get(part);
        subject.split = split.map(|split| split.name.as_str());
        subject.told = Some(candidate.told.clone());
        let rendered = (exporter.render)(&mut subject, self.context)
            .map_err(|refusal| gone(&candidate, Stage::Format, refusal.0))?;
        let tokens = self.context.counter.count_all(&rendered);
        if let Some(most) = self.options.curation.max_tokens
            && tokens > most
        {
            let about = if self.context.counter.is_estimate() {
                "an estimated "
            } else {
                ""
            };
            // the number differs from record to record, and belongs to the record alone
            let why = format!("{about}{tokens} tokens, more than {most}");
            return Err(gone(&candidate, Stage::Tokens, why));
        }
        let partition = self.partition(&subject, candidate.told.outcome);
        let partition = partition.map_err(|refusal| gone(&candidate, Stage::Format, refusal.0))?;
        let losses = rendered.losses.clone();
        if self.options.dry_run {
            // a report names all
            candidate.id = self.examiner.id(place, &candidate.id);
        }
        let piece = piece(rendered, exporter.form, tokens)
            .map_err(|err| gone(&candidate, Stage::Format, err.to_string()))?;
        Ok(Made {
            candidate,
            part,
            partition,
            piece,
            tokens,
            losses,
        })
    }

    /// The folder of a record below that of the data set.
    fn partition(&self, subject: &Subject<'_>, outcome: Verdict) -> Result<String, Refusal> {
        let Some(parted) = &self.options.parted else {
            return Ok(String::new());
        };
        let of = Divided {
            trajectory: subject.trajectory()?,
            outcome,
            split: subject.split,
        };
        Ok(partition::folder(&parted.by, &of))
    }

    /// The files that a dry run would have written.
    fn planned(&self, report: &Report) -> Vec<crate::export::OutputFile> {
        let splits = &self.options.curation.splits;
        let paths = write::paths(self.options);
        let planned = paths.into_iter().zip(&report.outputs);
        planned
            .enumerate()
            .map(|(ix, (path, told))| crate::export::OutputFile {
                path,
                split: splits.get(ix).map(|part| part.name.clone()),
                ..told.clone()
            })
            .collect()
    }

    fn report(&self, mut account: Account) -> Report {
        account.dropped.sort_by_key(|(ix, _)| *ix);
        let mut reasons: HashMap<(Stage, String), usize> = HashMap::new();
        for (_, dropped) in &account.dropped {
            let reason = match dropped.stage {
                Stage::Tokens => "too many tokens".to_owned(),
                Stage::Duplicate => "the same as an earlier record".to_owned(),
                _ => dropped.reason.clone(),
            };
            *reasons.entry((dropped.stage, reason)).or_default() += 1;
        }
        let mut reasons: Vec<Gone> = reasons
            .into_iter()
            .map(|((stage, reason), records)| Gone {
                stage,
                reason,
                records,
            })
            .collect();
        reasons.sort_by(|a, b| {
            let key = |gone: &Gone| {
                (
                    std::cmp::Reverse(gone.records),
                    gone.stage,
                    gone.reason.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        let mut losses: Vec<LossTold> = account.losses.into_values().collect();
        losses.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.what.cmp(b.what)));
        let mut notes = Vec::new();
        if self.examiner.knows_repos() && account.without_repo > 0 {
            notes.push(format!(
                "{} kept records name no repository; --exclude-repos could not look at them",
                account.without_repo
            ));
        }
        let parts = write::paths(self.options).len();
        account.per_part.resize(parts, [0; 3]);
        Report {
            format: self.options.format.name,
            dry_run: self.options.dry_run,
            read: account.read,
            kept: account.kept,
            dropped: account.dropped.len(),
            reasons,
            outputs: account
                .per_part
                .iter()
                .map(|[records, rows, tokens]| crate::export::OutputFile {
                    path: PathBuf::new(),
                    split: None,
                    records: *records,
                    rows: *rows,
                    bytes: 0,
                    tokens: *tokens,
                })
                .collect(),
            tokens: account.tokens,
            tokens_are_estimated: self.context.counter.is_estimate(),
            losses,
            records: account.records,
            stale_decisions: self.examiner.stale(),
            dropped_records: account.dropped.into_iter().map(|(_, gone)| gone).collect(),
            manifest: None,
            notes,
        }
    }
}

impl Account {
    fn keep(&mut self, made: &Made, is_dry: bool) {
        self.kept += 1;
        self.tokens += made.tokens;
        self.without_repo += usize::from(made.candidate.repo.is_none());
        if self.per_part.len() <= made.part {
            self.per_part.resize(made.part + 1, [0; 3]);
        }
        if let Some([records, rows, tokens]) = self.per_part.get_mut(made.part) {
            *records += 1;
            *rows += made.piece.rows();
            *tokens += made.tokens;
        }
        for loss in &made.losses {
            let told = self.losses.entry(loss.what).or_insert_with(|| LossTold {
                what: loss.what,
                records: 0,
                count: 0,
                example: made.candidate.source.clone(),
            });
            told.records += 1;
            told.count += loss.count;
        }
        if is_dry {
            self.records.push(RecordLosses {
                id: made.candidate.id.clone(),
                source: made.candidate.source.clone(),
                tokens: made.tokens,
                losses: made.losses.clone(),
            });
        }
    }
}

/// `tokens` says how much room a row will take.
fn piece(rendered: Rendered, form: Form, tokens: usize) -> Result<Piece, serde_json::Error> {
    Ok(match (rendered.body, form) {
        (Body::Bytes(bytes), _) => Piece::Line(bytes),
        (Body::Stored(line), _) => Piece::Stored(line),
        (Body::Written(row, _), _) => Piece::Lines(row, 1),
        (Body::Rows(rows), Form::Table(_)) => Piece::Rows(rows),
        (Body::Rows(rows), _) => {
            /// A token is some four bytes, and a few of them are escaped.
            const TOKEN_BYTES: usize = 5;
            let mut bytes = Vec::with_capacity(tokens.saturating_mul(TOKEN_BYTES));
            for row in &rows {
                serde_json::to_writer(&mut bytes, row)?;
                bytes.push(b'\n');
            }
            Piece::Lines(bytes, rows.len())
        }
    })
}

fn write_all(parts: &mut [Part], made: Vec<Made>) -> Result<()> {
    let mut pieces: Vec<(Vec<Piece>, usize)> = Vec::new();
    pieces.resize_with(parts.len(), Default::default);
    for one in made {
        if let Some((pieces, tokens)) = pieces.get_mut(one.part) {
            pieces.push(one.piece);
            *tokens += one.tokens;
        }
    }
    for (part, (pieces, tokens)) in parts.iter_mut().zip(pieces) {
        part.add(pieces, tokens)?;
    }
    Ok(())
}
