//! Everything that the filter finds out about one record: both judgements, the flags, and what filters and exports need.
//!
//! A record's head is enough for most of it; the whole trajectory is asked for only where a rule needs it. What has no
//! task is unjudged and says so. A record that cannot be read is the caller's row, not a [`Checked`].

use std::cell::Cell;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::behave;
use crate::behave::flags::Chosen;
use crate::cancel::Cancel;
use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::Flag;
use crate::model::Format;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::store::Head;
use crate::verify::FAILED;
use crate::verify::Judgement;
use crate::verify::Rules;
use crate::verify::VERSION;
use crate::verify::base::RepositoryBases;
use crate::verify::base::ViewBases;
use crate::verify::cache::Cache;
use crate::verify::flags;
use crate::verify::program::ProgramEnd;
use crate::verify::program::RunProgram;
use crate::verify::published;
use crate::verify::strict;
use crate::workspace::repositories::Repositories;
use crate::workspace::snapshot::Snapshot;

/// What a check may use.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Runs the test programs of `func_gen`; `None` where nobody allowed it.
    pub program: Option<&'a dyn RunProgram>,
    /// The rules to apply; judgements of the others are unjudged.
    pub rules: &'a [Rules],
    /// What earlier checks found out.
    pub cache: Option<&'a Cache>,
    /// Where files are read as they were at the base commit, where the trajectory does not show them.
    pub repositories: Option<&'a Repositories>,
    /// The flags to look for besides those that a head tells; `None` where nobody asked for them: they need the whole
    /// trajectory.
    pub flags: Option<&'a Chosen>,
    /// Whether the record's content is to be known in any case: to hash it takes a third of the time.
    pub hashes: bool,
}

/// What was found out about one record.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The record's content, where that was asked for.
    pub hash: Option<ContentHash>,
    /// What rows call it.
    pub id: String,
    /// The task's `instance_id`; attempts with the same one compete.
    pub task_id: Option<String>,
    /// Its number among the attempts that the run made at the task, from 1; `None` where the record does not say.
    pub attempt: Option<u64>,
    /// What the task asks for.
    pub kind: TaskKind,
    /// `owner/name`.
    pub repo: Option<String>,
    /// What the published rules say.
    pub published: Judgement,
    /// What the strict rules say.
    pub strict: Judgement,
    /// Observations; those over several records are added by the caller.
    pub flags: Vec<Flag>,
    /// The final patch's content; `None` without one.
    pub patch_hash: Option<ContentHash>,
    /// Whether a report or the record itself says that the task was solved.
    pub resolved: Option<bool>,
    /// A graded reward of the record or of a joined file.
    pub reward: Option<f64>,
    /// Where label and reward come from: a field of the record, a joined file.
    pub label_source: Option<String>,
}

impl Checked {
    /// What one set of rules says.
    pub fn judgement(&self, rules: Rules) -> &Judgement {
        match rules {
            Rules::Published => &self.published,
            Rules::Strict => &self.strict,
        }
    }

    /// Whether both sets of rules decide, and differently.
    pub fn is_disputed(&self) -> bool {
        let verdicts = [self.published.verdict, self.strict.verdict];
        !verdicts.contains(&Verdict::Unjudged) && verdicts[0] != verdicts[1]
    }
}

/// Both sets of rules run the same test program: once is enough.
pub struct RunOnce<'a> {
    program: &'a dyn RunProgram,
    last: Mutex<Option<(String, (ProgramEnd, bool))>>,
}

impl<'a> RunOnce<'a> {
    /// Runs nothing yet.
    pub fn new(program: &'a dyn RunProgram) -> Self {
        Self {
            program,
            last: Mutex::default(),
        }
    }

    /// Whether the last program, if any, ended by itself.
    fn has_ended(&self) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref()
            .is_none_or(|(_, (end, _))| matches!(end, ProgramEnd::Exited { .. }))
    }
}

impl RunProgram for RunOnce<'_> {
    fn run(&self, program: &str, cancel: &Cancel) -> ProgramEnd {
        self.run_whole(program, cancel).0
    }

    fn run_whole(&self, program: &str, cancel: &Cancel) -> (ProgramEnd, bool) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, end)) if known == program => end.clone(),
            _ => {
                let end = self.program.run_whole(program, cancel);
                *last = Some((program.to_owned(), end.clone()));
                end
            }
        }
    }
}

/// What one set of rules says, for whoever needs nothing else: the record is not even hashed for it.
pub fn judgement(
    rules: Rules,
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    tools: &Tools<'_>,
    cancel: &Cancel,
) -> Judgement {
    let program = tools.program.map(RunOnce::new);
    judged(rules, head, whole, tools, program.as_ref(), cancel)
}

/// Judges attempts, by the rules that were asked for.
fn judged(
    rules: Rules,
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    tools: &Tools<'_>,
    program: Option<&RunOnce<'_>>,
    cancel: &Cancel,
) -> Judgement {
    if !tools.rules.contains(&rules) {
        return Judgement::unjudged("not asked for");
    }
    let format = head.trajectory.source.format;
    match format.filter(|format| format.is_side() && *format != Format::Prediction) {
        Some(format) => {
            let name = format.name();
            Judgement::unjudged(format!("this is a {name}, not an attempt at a task"))
        }
        None => match head.trajectory.failure() {
            Some(ended) => Judgement::unjudged(format!("{FAILED}{}", ended.name())),
            None => judge(rules, head, whole, tools, program, cancel),
        },
    }
}

/// Checks a record. `whole` loads it all, for rules that need its steps.
pub fn check(
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    tools: &Tools<'_>,
    cancel: &Cancel,
) -> Checked {
    let trajectory = &head.trajectory;
    let task = trajectory.task.as_ref();
    let program = tools.program.map(RunOnce::new);
    let judge = |rules: Rules| judged(rules, head, whole, tools, program.as_ref(), cancel);
    let patch = trajectory.final_patch.as_deref();
    Checked {
        hash: tools.hashes.then(|| head.hash()),
        id: trajectory.id.clone(),
        task_id: trajectory
            .task_id
            .clone()
            .or_else(|| task.and_then(|task| task.id.clone())),
        attempt: trajectory.attempt,
        kind: task.map(|task| task.kind).unwrap_or_default(),
        repo: task.and_then(|task| task.repo.clone()),
        published: judge(Rules::Published),
        strict: judge(Rules::Strict),
        flags: flags_of(head, whole, tools, cancel),
        patch_hash: patch
            .filter(|patch| !patch.trim().is_empty())
            .map(|patch| ContentHash::of(patch.as_bytes())),
        resolved: trajectory.outcome.resolved,
        reward: trajectory.outcome.reward,
        label_source: trajectory.outcome.label_source.clone(),
    }
}

/// What the head tells, and what the whole trajectory shows where that was asked for; only what is chosen. Of what
/// cannot be read whole, only the former.
fn flags_of(
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    tools: &Tools<'_>,
    cancel: &Cancel,
) -> Vec<Flag> {
    let Some(chosen) = tools.flags else {
        return flags::prompt_leaks(&head.trajectory);
    };
    let mut found = all_flags(head, whole, tools.cache, cancel);
    found.retain(|flag| chosen.has(flag.flag));
    found
}

/// All flags of a record, those that are off by default too: what its head tells, and [`behaviour_flags`].
pub fn all_flags(
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    cache: Option<&Cache>,
    cancel: &Cancel,
) -> Vec<Flag> {
    let mut found = flags::prompt_leaks(&head.trajectory);
    found.extend(behaviour_flags(head, whole, cache, cancel));
    found
}

/// All flags of behaviour, those that are off by default too, from the cache where they are known; none of what is no
/// attempt or cannot be read whole.
pub fn behaviour_flags(
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    cache: Option<&Cache>,
    cancel: &Cancel,
) -> Vec<Flag> {
    let is_side = head.trajectory.source.format.is_some_and(Format::is_side);
    if is_side {
        return Vec::new();
    }
    let key = key_of("behave", behave::VERSION, head, &[]);
    if let Some(known) = cache.and_then(|cache| cache.get_flags(&key)) {
        return known;
    }
    let Ok(trajectory) = whole() else {
        return Vec::new();
    };
    let found = behave::examine(&trajectory, cancel).flags;
    if let Some(cache) = cache.filter(|_| !cancel.is_cancelled()) {
        cache.put_flags(key, &found);
    }
    found
}

/// Asks the cache where judging takes longer than that: the strict rules, and whatever runs a program.
fn judge(
    rules: Rules,
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    tools: &Tools<'_>,
    program: Option<&RunOnce<'_>>,
    cancel: &Cancel,
) -> Judgement {
    let trajectory = &head.trajectory;
    let kind = trajectory.task.as_ref().map(|task| task.kind);
    let runs = kind == Some(TaskKind::FuncGen) && program.is_some();
    let once = program;
    let program = once.map(|once| once as &dyn RunProgram);
    let strict = tools.repositories.filter(|_| rules == Rules::Strict);
    let repository = strict.and_then(|repositories| repositories.of(trajectory, cancel)?.ok());
    let repository = repository.as_deref();
    let fresh = |whole: &dyn Fn() -> Option<Arc<Trajectory>>| match rules {
        Rules::Published => published::judge(trajectory, program, cancel),
        Rules::Strict => {
            let views = ViewBases::new(whole);
            let bases = RepositoryBases::new(&views, repository, trajectory.task.as_ref());
            strict::judge(trajectory, &bases, program, cancel)
        }
    };
    if kind == Some(TaskKind::FuncGen) && !runs {
        // what its test program showed when somebody ran it holds for those who do not run it, too
        let key = key(rules, head, true, repository);
        if let Some(known) = tools.cache.and_then(|cache| cache.get(&key)) {
            return known;
        }
    }
    let cache = tools.cache.filter(|_| runs || rules == Rules::Strict);
    let whole = || whole().ok();
    let Some(cache) = cache else {
        return fresh(&whole);
    };
    if kind != Some(TaskKind::FuncGen) && repository.is_none() {
        // what the head decides alone is judged sooner than looked up: the record would have to be hashed for that
        let is_enough = Cell::new(true);
        let found = fresh(&|| {
            is_enough.set(false);
            None
        });
        if is_enough.get() {
            return found;
        }
    }
    let key = key(rules, head, runs, repository);
    if let Some(known) = cache.get(&key) {
        return known;
    }
    let found = fresh(&whole);
    // what ended for a reason outside the record may end otherwise the next time: no interpreter, time, an interruption
    let is_lasting = found.verdict != Verdict::Unjudged
        && !cancel.is_cancelled()
        && once.is_none_or(RunOnce::has_ended);
    if is_lasting {
        cache.put(key, &found);
    }
    found
}

fn key(rules: Rules, head: &Head, runs: bool, repository: Option<&Snapshot>) -> ContentHash {
    let tree = repository.map(Snapshot::sources_name).unwrap_or_default();
    key_of(rules.name(), VERSION, head, &[runs.to_string(), tree])
}

/// Everything that decides what is found: the rules, and the record with what side files may bring: the task, the patch
/// or the answer, how it ended.
fn key_of(rules: &str, version: &str, head: &Head, more: &[String]) -> ContentHash {
    let trajectory = &head.trajectory;
    let task = trajectory.task.as_ref();
    let instance = task.and_then(|task| task.instance.as_ref());
    let instance = instance.map_or_else(String::new, ToString::to_string);
    let of = |text: Option<&str>| text.map(|text| ContentHash::of(text.as_bytes()).to_string());
    let mut parts = vec![
        version.to_owned(),
        rules.to_owned(),
        head.hash().to_string(),
        task.map_or("", |task| task.kind.name()).to_owned(),
        ContentHash::of(instance.as_bytes()).to_string(),
        of(trajectory.final_patch.as_deref()).unwrap_or_default(),
        of(trajectory.answer.as_deref()).unwrap_or_default(),
    ];
    parts.extend_from_slice(more);
    ContentHash::of(parts.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::model::Task;

    /// Counts its runs.
    struct Counted(AtomicUsize, ProgramEnd);

    impl RunProgram for Counted {
        fn run(&self, _: &str, _: &Cancel) -> ProgramEnd {
            self.0.fetch_add(1, Ordering::Relaxed);
            self.1.clone()
        }
    }

    fn attempt() -> Head {
        let instance = serde_json::json!({
            "file_path": "m.py", "func_name": "f", "func_body": "x", "eval_script": "assert f_new_implementation()",
        });
        let patch =
            "--- a/m.py\n+++ b/m.py\n@@ -1,2 +1,2 @@\n def f():\n-    pass\n+    return 1\n";
        let trajectory = Trajectory {
            task: Some(Task::from_instance(instance)),
            final_patch: Some(patch.into()),
            answer: Some("def f():\n    return 1".into()),
            ..Trajectory::default()
        };
        Head::whole(ContentHash::of(b"record"), Arc::new(trajectory))
    }

    /// What is found of a record with this patch, with a cache; how often the whole trajectory was asked for.
    fn looked_at(patch: &str, cache: &Cache, hashes: bool) -> (Checked, usize) {
        let instance = serde_json::json!({
            "file_path": "m.py", "module_name": "f", "module_type": "function", "module_line_start": 1,
            "module_line_end": 2, "docstring_line_start": 2, "docstring_line_end": 2,
        });
        let trajectory = Trajectory {
            task: Some(Task::from_instance(instance)),
            final_patch: Some(patch.into()),
            ..Trajectory::default()
        };
        let head = Head::whole(ContentHash::of(b"record"), Arc::new(trajectory));
        let tools = Tools {
            program: None,
            rules: &[Rules::Published, Rules::Strict],
            cache: Some(cache),
            repositories: None,
            flags: None,
            hashes,
        };
        let asked = AtomicUsize::new(0);
        let whole = || {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(Arc::clone(&head.trajectory))
        };
        let checked = check(&head, &whole, &tools, &Cancel::new());
        (checked, asked.into_inner())
    }

    #[test]
    fn only_what_needs_the_whole_trajectory_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path());
        let patch = "--- a/m.py\n+++ b/m.py\n@@ -2,3 +2,4 @@\n     Says.\n+    More.\n     \"\"\"\n     return 1\n--- a/n.py\n+++ b/n.py\n@@ -1 +1,2 @@\n x = 1\n+y = 2\n";
        let (first, asked) = looked_at(patch, &cache, true);
        assert_eq!(asked, 1);
        assert_eq!(first.hash, Some(ContentHash::of(b"record")));
        // what was kept is there for whoever opens it next
        drop(cache);
        let cache = Cache::open(folder.path());
        let (again, asked) = looked_at(patch, &cache, false);
        assert_eq!(asked, 0, "it is known");
        assert_eq!(again.hash, None);
        assert_eq!(again.strict.verdict, first.strict.verdict);
        let (nothing, asked) = looked_at("", &cache, false);
        assert_eq!((nothing.strict.verdict, asked), (Verdict::Reject, 0));
    }

    #[track_caller]
    fn runs(rules: &[Rules], cache: Option<&Cache>, end: ProgramEnd, want: usize) -> Checked {
        let head = attempt();
        let program = Counted(AtomicUsize::new(0), end);
        let tools = Tools {
            program: Some(&program),
            rules,
            cache,
            repositories: None,
            flags: None,
            hashes: false,
        };
        let whole = || Ok(Arc::clone(&head.trajectory));
        let checked = check(&head, &whole, &tools, &Cancel::new());
        assert_eq!(program.0.load(Ordering::Relaxed), want);
        checked
    }

    #[test]
    fn a_test_program_runs_once_for_both_rules() {
        const BOTH: &[Rules] = &[Rules::Published, Rules::Strict];
        let exits = |code| ProgramEnd::Exited {
            code: Some(code),
            output: String::new(),
        };
        for (end, verdict) in [
            (exits(0), Verdict::Accept),
            (exits(1), Verdict::Reject),
            (ProgramEnd::TimedOut, Verdict::Reject),
            (
                ProgramEnd::Refused("no interpreter".to_owned()),
                Verdict::Unjudged,
            ),
        ] {
            let checked = runs(BOTH, None, end.clone(), 1);
            assert_eq!(checked.published.verdict, verdict, "{end:?}");
            assert_eq!(checked.strict.verdict, verdict, "{end:?}");
            runs(&[Rules::Strict], None, end, 1);
        }
        // what was kept is not run again, and what one set of rules kept does not make the other run it twice
        let folder = tempfile::tempdir().unwrap();
        runs(
            &[Rules::Published],
            Some(&Cache::open(folder.path())),
            exits(0),
            1,
        );
        runs(BOTH, Some(&Cache::open(folder.path())), exits(0), 1);
        runs(BOTH, Some(&Cache::open(folder.path())), exits(0), 0);
        // and those know it who may not run it
        let head = attempt();
        let told = |cache: Option<&Cache>| {
            let tools = Tools {
                program: None,
                rules: BOTH,
                cache,
                repositories: None,
                flags: None,
                hashes: false,
            };
            let whole = || Ok(Arc::clone(&head.trajectory));
            let checked = check(&head, &whole, &tools, &Cancel::new());
            [checked.published.verdict, checked.strict.verdict]
        };
        let kept = Cache::open(folder.path());
        assert_eq!(told(Some(&kept)), [Verdict::Accept; 2]);
        assert_eq!(told(None), [Verdict::Unjudged; 2]);
    }
}
