//! One repository of a run: what it can give, and what was made of it.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use serde_json::json;

use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Value;
use crate::tasks::Draft;
use crate::tasks::Drafts;
use crate::tasks::Fields;
use crate::tasks::LeftOut;
use crate::tasks::Maker;
use crate::tasks::Seed;
use crate::tasks::build::MOST_HELD;
use crate::tasks::build::Run;
use crate::tasks::build::part::Head;
use crate::tasks::build::part::Part;
use crate::tasks::build::part::Round;
use crate::tasks::build::part::Row;
use crate::tasks::build::part::Survey;
use crate::tasks::build::write::Output;
use crate::tasks::sample::shares;
use crate::tasks::sample::strata;
use crate::tasks::source::Opened;
use crate::tasks::source::Source;

/// Digits of a commit in ids.
const ID_DIGITS: usize = 8;

/// A repository of a run.
pub(super) struct Own<'a> {
    pub(super) source: &'a Source,
    pub(super) opened: Result<Opened, String>,
    pub(super) part: Option<Part>,
    /// It was taken over from an earlier run.
    pub(super) is_resumed: bool,
    held: Option<Held>,
    asked: Vec<usize>,
}

/// What is held of it between rounds.
struct Held {
    seed: Seed,
    /// Of each maker.
    drawn: Vec<Drawn>,
    files: usize,
}

/// The drafts of one maker.
#[derive(Default)]
struct Drawn {
    drafts: Vec<Draft>,
    keys: Vec<String>,
    /// By stratum, in the order in which they are drawn.
    strata: BTreeMap<String, Vec<usize>>,
}

/// What ids begin with: `owner__name__0123abcd`.
pub(super) fn id_stem(repo: &str, commit: &str) -> String {
    let digits: String = commit.chars().take(ID_DIGITS).collect();
    format!("{}__{digits}", repo.replace('/', "__"))
}

impl<'a> Own<'a> {
    pub(super) fn new(source: &'a Source, opened: Result<Opened, String>) -> Self {
        Self {
            source,
            opened,
            part: None,
            is_resumed: false,
            held: None,
            asked: Vec::new(),
        }
    }

    pub(super) fn repo(&self) -> &str {
        self.opened.as_ref().map_or("", |opened| &opened.repo)
    }

    /// Rounds that it went through.
    pub(super) fn rounds(&self) -> usize {
        self.part.as_ref().map_or(0, |part| part.rounds.len())
    }

    /// The rows of its first rounds.
    pub(super) fn rows(&self, rounds: usize) -> impl Iterator<Item = &Row> {
        let all = self.part.iter().flat_map(|part| &part.rounds);
        all.take(rounds).flat_map(|round| &round.rows)
    }

    /// Says what is to be made next.
    pub(super) fn ask(&mut self, quotas: Vec<usize>) {
        self.asked = quotas;
    }

    pub(super) fn asked(&self) -> Vec<usize> {
        self.asked.clone()
    }

    fn head(&self, run: &Run<'_>) -> Option<Head> {
        let opened = self.opened.as_ref().ok()?;
        let makers = run.makers.iter().map(|maker| maker.kind().name());
        let makers: Vec<&str> = makers.collect();
        Some(Head {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            repo: opened.repo.clone(),
            commit: opened.commit.clone(),
            path: self.source.path.clone(),
            asked: format!("{} {}", makers.join(","), run.options.asked),
            seed: run.options.seed,
            per_repo: run.options.per_repo,
        })
    }

    /// Takes over what an earlier run kept of it.
    pub(super) fn resume(&mut self, run: &Run<'_>, output: &Output) {
        if run.options.resume
            && let Some(head) = self.head(run)
        {
            self.part = Part::load(output.parts(), &head);
            self.is_resumed = self.part.is_some();
        }
    }

    /// Finds out what it can give. `None` when it cannot be opened or the run was cancelled.
    ///
    /// # Errors
    /// Those of keeping what was found out.
    pub(super) fn survey(&mut self, run: &Run<'_>, output: &Output) -> Result<Option<()>> {
        if self.part.is_some() {
            return Ok(Some(()));
        }
        let Some(head) = self.head(run) else {
            return Ok(None);
        };
        let Some((held, survey)) = self.read(run) else {
            return Ok(None);
        };
        let part = Part {
            head,
            survey,
            rounds: Vec::new(),
        };
        if run.options.limit.is_some() {
            part.keep(output.parts())?;
        }
        self.part = Some(part);
        self.hold(held, run);
        Ok(Some(()))
    }

    /// Keeps an index for the next round, unless there are too many.
    fn hold(&mut self, held: Held, run: &Run<'_>) {
        let files = held.files;
        let before = run.held.fetch_add(files, Ordering::Relaxed);
        if run.options.limit.is_none() || before + files <= MOST_HELD {
            self.held = Some(held);
        } else {
            run.held.fetch_sub(files, Ordering::Relaxed);
        }
    }

    /// Forgets its index.
    pub(super) fn let_go(&mut self, run: &Run<'_>) {
        if let Some(held) = self.held.take() {
            run.held.fetch_sub(held.files, Ordering::Relaxed);
        }
    }

    fn read(&mut self, run: &Run<'_>) -> Option<(Held, Survey)> {
        let opened = self.opened.as_ref().ok()?;
        let seed = match opened.seed(run.options.known.as_deref(), run.cancel, &mut |_| {}) {
            Ok(seed) => seed?,
            Err(why) => {
                self.opened = Err(why);
                return None;
            }
        };
        let files = seed.index.file_count();
        let mut survey = Survey {
            files,
            faulty: seed.index.faulty_count(),
            skipped: seed.index.skipped().len(),
            ..Survey::default()
        };
        let mut drawn = Vec::new();
        for maker in run.makers {
            let found = maker.drafts(&seed, run.cancel)?;
            for (reason, count) in &found.left_out {
                *survey.left_out.entry((*reason).to_owned()).or_default() += count;
            }
            let own = Drawn::of(&seed, *maker, found, run.options.seed);
            survey.supplies.push(own.drafts.len());
            drawn.push(own);
        }
        let held = Held { seed, drawn, files };
        Some((held, survey))
    }

    /// The most tasks of each maker.
    pub(super) fn caps(&self, run: &Run<'_>) -> Vec<usize> {
        let supplies = self
            .part
            .as_ref()
            .map(|part| part.survey.supplies.as_slice());
        shares(
            run.options.per_repo.unwrap_or(usize::MAX),
            supplies.unwrap_or_default(),
        )
    }

    /// How many tasks of each maker it may still give after its first rounds.
    pub(super) fn left(&self, rounds: usize, run: &Run<'_>) -> Vec<usize> {
        let Some(part) = &self.part else {
            return vec![0; run.makers.len()];
        };
        let made = |maker: usize| {
            let rows = self.rows(rounds);
            rows.filter(|row| row.maker == maker).count()
        };
        let last = rounds.checked_sub(1).and_then(|ix| part.rounds.get(ix));
        let used = |maker: usize| -> usize {
            let used = last.and_then(|round| round.used.get(maker));
            used.map_or(0, |used| used.values().sum())
        };
        let made: Vec<usize> = (0..run.makers.len()).map(made).collect();
        let supplies: Vec<usize> = part
            .survey
            .supplies
            .iter()
            .enumerate()
            .map(|(maker, supply)| supply.saturating_sub(used(maker)))
            .collect();
        let most = run.options.per_repo.unwrap_or(usize::MAX);
        shares(most.saturating_sub(made.iter().sum()), &supplies)
    }

    /// Makes so many tasks of each maker, in the round of this number, unless an earlier run did.
    ///
    /// # Errors
    /// Those of keeping them.
    pub(super) fn advance(
        &mut self,
        round: usize,
        quotas: &[usize],
        run: &Run<'_>,
        output: &Output,
    ) -> Result<()> {
        let Some(part) = &mut self.part else {
            return Ok(());
        };
        if let Some(known) = part.rounds.get(round) {
            if known.quotas == quotas {
                run.tasks.fetch_add(known.rows.len(), Ordering::Relaxed);
                return Ok(());
            }
            part.rounds.truncate(round);
        }
        let is_none = quotas.iter().all(|quota| *quota == 0);
        if !is_none && self.held.is_none() {
            let Some((held, _same)) = self.read(run) else {
                return Ok(());
            };
            // a repository beyond those that are held is let go below
            self.held = Some(Held { files: 0, ..held });
        }
        let made = if is_none {
            Some(self.idle(quotas))
        } else {
            self.round(quotas, run)
        };
        self.held.take_if(|held| held.files == 0);
        let (Some(made), Some(part)) = (made, &mut self.part) else {
            return Ok(());
        };
        part.rounds.push(made);
        part.keep(output.parts())
    }

    /// A round in which nothing is asked for.
    fn idle(&self, quotas: &[usize]) -> Round {
        Round {
            quotas: quotas.to_vec(),
            used: self.used(),
            ..Round::default()
        }
    }

    fn used(&self) -> Vec<BTreeMap<String, usize>> {
        let last = self.part.as_ref().and_then(|part| part.rounds.last());
        last.map(|round| round.used.clone()).unwrap_or_default()
    }

    /// Draws and finishes drafts. `None` when it was cancelled.
    fn round(&mut self, quotas: &[usize], run: &Run<'_>) -> Option<Round> {
        let mut made = self.idle(quotas);
        made.used.resize_with(run.makers.len(), BTreeMap::new);
        let held = self.held.as_ref()?;
        for (ix, (quota, drawn)) in quotas.iter().zip(&held.drawn).enumerate() {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for row in self.rows(usize::MAX).filter(|row| row.maker == ix) {
                *counts.entry(row.stratum.clone()).or_default() += 1;
            }
            let before: usize = counts.values().sum();
            let used = made.used.get_mut(ix)?;
            let mut got = 0;
            loop {
                let goal = (before + quota, quota - got);
                let picked = drawn.pick(goal, &counts, used);
                if picked.is_empty() {
                    break;
                }
                let finished: Option<Vec<Result<Row, LeftOut>>> = picked
                    .par_iter()
                    .map(|place| finish(&held.seed, ix, drawn, *place, run))
                    .collect();
                for finished in finished? {
                    match finished {
                        Ok(row) => {
                            got += 1;
                            *counts.entry(row.stratum.clone()).or_default() += 1;
                            made.rows.push(row);
                        }
                        Err(why) => {
                            *made.left_out.entry(why.reason.to_owned()).or_default() += 1;
                        }
                    }
                }
            }
        }
        Some(made)
    }
}

impl Drawn {
    /// The drafts without those whose target is met twice.
    fn of(seed: &Seed, maker: &dyn Maker, found: Drafts, chance: u64) -> Self {
        let keys = keys(seed, &found.drafts);
        let mut met = HashSet::new();
        let mut own = Self::default();
        for (draft, key) in found.drafts.into_iter().zip(keys) {
            if met.insert(key.clone()) {
                own.drafts.push(draft);
                own.keys.push(key);
            }
        }
        let of = format!("{} {}", seed.repo, maker.kind().name());
        own.strata = strata(chance, &of, &own.drafts);
        own
    }

    /// The next drafts of each stratum, so that all strata come as near to the same count as they can; at most `missing`.
    fn pick(
        &self,
        (goal, missing): (usize, usize),
        counts: &BTreeMap<String, usize>,
        used: &mut BTreeMap<String, usize>,
    ) -> Vec<usize> {
        let of = |map: &BTreeMap<String, usize>, name| map.get(name).copied().unwrap_or_default();
        let rest = self.strata.iter().map(|(name, places)| {
            let rest = places.get(of(used, name)..).unwrap_or_default();
            (name, rest, of(counts, name))
        });
        let rest: Vec<(&String, &[usize], usize)> = rest.collect();
        let supplies: Vec<usize> = rest.iter().map(|(_, rest, got)| rest.len() + got).collect();
        let mut picked = Vec::new();
        for ((name, rest, got), share) in rest.iter().zip(shares(goal, &supplies)) {
            let want = share.saturating_sub(*got).min(missing - picked.len());
            let next = rest.get(..want).unwrap_or(rest);
            picked.extend_from_slice(next);
            if !next.is_empty() {
                *used.entry((*name).clone()).or_default() += next.len();
            }
        }
        picked
    }
}

/// Names of the drafts' targets: of the text of the definition that stands there, else of all that the draft says.
fn keys(seed: &Seed, drafts: &[Draft]) -> Vec<String> {
    let mut by_path: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        by_path.entry(&draft.path).or_default().push(place);
    }
    let of_file = |(path, places): (&str, Vec<usize>)| -> Vec<(usize, String)> {
        let source = seed.source(path).unwrap_or_default();
        let lines: Vec<&str> = source.lines().map(str::trim_end).collect();
        let by_line: HashMap<usize, (usize, usize)> = seed
            .index
            .definitions_of(path)
            .map(|found| {
                (
                    found.definition.header.0,
                    (found.definition.first.0, found.definition.last.0),
                )
            })
            .collect();
        let key = |draft: &Draft| {
            let text = by_line
                .get(&draft.line.0)
                .and_then(|(first, last)| lines.get(*first..=*last));
            match text {
                Some(text) => blake3::hash(text.join("\n").as_bytes()),
                None => blake3::hash(format!("{path} {}", json!(draft.fields)).as_bytes()),
            }
        };
        let keys = places.into_iter().filter_map(|place| {
            let key = key(drafts.get(place)?);
            Some((place, key.to_hex().chars().take(32).collect()))
        });
        keys.collect()
    };
    let found: Vec<Vec<(usize, String)>> = by_path.into_par_iter().map(of_file).collect();
    let mut keys = vec![String::new(); drafts.len()];
    for (place, key) in found.into_iter().flatten() {
        if let Some(slot) = keys.get_mut(place) {
            *slot = key;
        }
    }
    keys
}

/// Makes a row of a draft, and looks at it. `None` when it was cancelled.
fn finish(
    seed: &Seed,
    ix: usize,
    drawn: &Drawn,
    place: usize,
    run: &Run<'_>,
) -> Option<Result<Row, LeftOut>> {
    let maker = run.makers.get(ix)?;
    let (draft, key) = (drawn.drafts.get(place)?.clone(), drawn.keys.get(place)?);
    if run.cancel.is_cancelled() {
        return None;
    }
    let stratum = draft.stratum.clone();
    let made = maker.finish(seed, draft, run.cancel).and_then(|draft| {
        let (path, line) = (draft.path.clone(), draft.line.0);
        let (id, mut fields) = fields(seed, draft);
        let commit = fields.get("base_commit").and_then(Value::as_str);
        let commit = commit.unwrap_or(&seed.commit).to_owned();
        let text = json!(fields).to_string();
        if let Some(check) = run.check {
            let shown = id.clone();
            let shown = shown.unwrap_or_else(|| format!("{}__0", id_stem(&seed.repo, &commit)));
            fields.insert("instance_id".to_owned(), json!(shown));
            check(seed, &Value::Object(fields), run.cancel)?;
        }
        Ok(Row {
            maker: ix,
            path,
            line,
            stratum,
            key: key.clone(),
            id,
            commit,
            text,
        })
    });
    // what was cut short may say anything
    if run.cancel.is_cancelled() {
        return None;
    }
    if made.is_ok() {
        run.tasks.fetch_add(1, Ordering::Relaxed);
        run.say(run.done.load(Ordering::Relaxed));
    }
    Some(made)
}

/// The fields of a row but its id, which a draft may bring.
fn fields(seed: &Seed, draft: Draft) -> (Option<String>, Fields) {
    let mut fields = Fields::new();
    fields.insert("repo".to_owned(), json!(seed.repo));
    fields.insert("base_commit".to_owned(), json!(seed.commit));
    fields.extend(draft.fields);
    let id = fields.shift_remove("instance_id");
    let id = id.and_then(|id| id.as_str().map(str::to_owned));
    let bytes = seed.files().read(&draft.path).ok();
    let hash = bytes.map(|bytes| ContentHash::of(&bytes).to_string());
    let licence = seed.licence.as_ref();
    let provenance = json!({
        "tool": format!("hgview {}", env!("CARGO_PKG_VERSION")),
        "commit": seed.commit,
        "file": draft.path,
        "sha256": hash,
        "licence_file": licence.map(|licence| &licence.path),
        "licence": licence.and_then(|licence| licence.spdx.as_ref()),
    });
    fields.insert("provenance".to_owned(), provenance);
    (id, fields)
}
