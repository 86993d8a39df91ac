//! One repository of a run: what it can give, and what was made of it.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::error::Result;
use crate::tasks::Draft;
use crate::tasks::Drafts;
use crate::tasks::LeftOut;
use crate::tasks::Maker;
use crate::tasks::Seed;
use crate::tasks::build::MOST_HELD;
use crate::tasks::build::Run;
use crate::tasks::build::SAME_TARGET;
use crate::tasks::build::part::Head;
use crate::tasks::build::part::Part;
use crate::tasks::build::part::Round;
use crate::tasks::build::part::Row;
use crate::tasks::build::part::Survey;
use crate::tasks::build::row::finish;
use crate::tasks::build::row::keys;
use crate::tasks::build::write::Output;
use crate::tasks::sample::shares;
use crate::tasks::sample::strata;
use crate::tasks::source::Opened;
use crate::tasks::source::Source;

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

    /// Forgets the rounds behind the first ones.
    pub(super) fn keep_rounds(&mut self, rounds: usize) {
        if let Some(part) = &mut self.part {
            part.rounds.truncate(rounds);
        }
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
            let count = found.drafts.len();
            let own = Drawn::of(&seed, *maker, found, run.options.seed);
            let same = count - own.drafts.len();
            if same > 0 {
                let reason = SAME_TARGET.to_owned();
                *survey.left_out.entry(reason).or_default() += same as u64;
            }
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
                    .map(|place| drawn.row(&held.seed, ix, *place, run))
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

    /// Makes a row of a draft, and looks at it. `None` when it was cancelled.
    fn row(
        &self,
        seed: &Seed,
        maker: usize,
        place: usize,
        run: &Run<'_>,
    ) -> Option<Result<Row, LeftOut>> {
        let (draft, key) = (self.drafts.get(place)?, self.keys.get(place)?);
        finish(seed, maker, (draft.clone(), key), run)
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
