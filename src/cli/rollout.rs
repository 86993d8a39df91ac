//! `hgview rollout`: attempts of tasks by a model, appended to a file as they end.

mod table;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::RolloutArgs;
use crate::cli::args::RolloutFilter;
use crate::cli::args::SharedArgs;
use crate::cli::endpoint;
use crate::cli::programs::programs;
use crate::cli::records;
use crate::cli::replay::stage;
use crate::cli::rollout::table::Table;
use crate::cli::selection;
use crate::cli::show::repositories;
use crate::cli::signals::Interrupts;
use crate::endpoint::Again;
use crate::endpoint::OpenAi;
use crate::error::Error;
use crate::error::Result;
use crate::export::sft;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::model::Value;
use crate::replay::Options;
use crate::replay::Stage;
use crate::rollout;
use crate::rollout::Agent;
use crate::rollout::CallForm;
use crate::rollout::Done;
use crate::rollout::Earlier;
use crate::rollout::Event;
use crate::rollout::Limits;
use crate::rollout::Other;
use crate::rollout::Prompts;
use crate::rollout::Run;
use crate::rollout::Stopped;
use crate::rollout::Until;
use crate::sandbox::System;
use crate::sandbox::unproved;
use crate::store::Store;
use crate::tasks::prompt;
use crate::text;
use crate::text::human;
use crate::verify::check::Tools;
use crate::verify::filter::Filter;
use crate::verify::program::RunProgram;
use crate::workspace::repositories::Repositories;

/// How much longer than an attempt its sandbox may live.
const SLACK: Duration = Duration::from_mins(10);
/// Tasks, and cells for them, that are named where many are meant.
const SHOWN_TASKS: usize = 10;
const SHOWN_CELLS: usize = 500;
/// How often is told how far the judging of earlier attempts is.
const JUDGING_PACE: Duration = Duration::from_secs(5);
/// Where many attempts at once ask an endpoint again, not all of them say so.
const AGAIN_PACE: Duration = Duration::from_secs(1);

/// Makes all attempts. *No* when one was not made or failed.
pub(super) fn run(
    args: &RolloutArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    if args.until.is_some_and(|until| until > args.attempts) {
        return Err(Error::user(
            "--until asks for more attempts than --attempts allows",
        ));
    }
    let chat = endpoint::endpoint(&args.endpoint)?.ok_or_else(|| {
        Error::user("no endpoint was named").hint("name it with --endpoint and --model")
    })?;
    let selector = selection::selector(shared)?;
    let stage = opened_stage(args, output)?;
    let store = records::load_store(&args.paths, shared, output)?;
    let among = selection::chosen(selector, &args.paths, &store, shared, output)?;
    let tasks = tasks_of(&store, &among, output)?;
    let programs = programs(false);
    let repositories = stage.sources.repositories.clone();
    let run = Run {
        agent: agent(args, &chat)?,
        prompts: prompts(args)?,
        stage,
        tasks,
        attempts: usize::try_from(args.attempts).unwrap_or(usize::MAX),
        jobs: jobs(args),
        until: until(args, &programs, &repositories),
        retry_failed: args.retry_failed,
    };
    let cancel = Cancel::new();
    let interrupts = Interrupts::watch(&cancel)?;
    let mut told = Told::new(args);
    // last of all: what fails before leaves no file
    let (file, earlier) = rollout::Output::open(&args.output, &run.agent.model)?;
    tell_earlier(&earlier, output)?;
    tell_others(&run, &earlier, output)?;
    let mut wrote = Ok(());
    let stopped = run.run(
        &file,
        &earlier,
        &mut |event| {
            if wrote.is_ok() {
                wrote = told.tell(event, output);
                // nobody hears of what is made from here on
                if wrote.is_err() {
                    cancel.cancel();
                }
            }
        },
        &cancel,
    )?;
    wrote?;
    told.end(&file, output)?;
    let has_some = !file.is_empty();
    drop(file);
    let is_whole = stopped.is_none() && told.failed == 0 && told.faults == 0;
    if let Some(stopped) = stopped {
        tell_stopped(&stopped, has_some, &interrupts, output)?;
    }
    Ok(if is_whole { Verdict::Yes } else { Verdict::No })
}

/// Says why a run ended early, and how it goes on; an interrupted one ends here.
fn tell_stopped(
    stopped: &Stopped,
    has_some: bool,
    interrupts: &Interrupts,
    output: &mut Output<'_>,
) -> Result<()> {
    let why = words_of_stop(stopped);
    let more = match stopped {
        Stopped::Refused(_) => {
            return Err(Error::input(why).hint(if has_some {
                rollout::KEPT
            } else {
                "whom is asked, and how, say --model, --key-var, --header and --text-calls"
            }));
        }
        Stopped::Spent(_) => {
            "the same command goes on with a higher bound, with --retry-failed also with attempts that were under way"
        }
        Stopped::Dead(_) => {
            "the same command with --retry-failed makes these attempts again and goes on"
        }
        Stopped::Cancelled => {
            writeln!(
                output.err,
                "hgview: stopped: attempts under way are not kept\nhint: the same command goes on"
            )?;
            output.err.flush()?;
            interrupts.obey();
            return Ok(());
        }
    };
    writeln!(
        output.err,
        "hgview: stopped: {}\nhint: {more}",
        text::clean_line(&why)
    )?;
    Ok(())
}

/// Why a run stopped, in words.
fn words_of_stop(stopped: &Stopped) -> String {
    match stopped {
        Stopped::Refused(why) => format!("the endpoint refused: {why}"),
        Stopped::Dead(why) => format!("the endpoint answers nothing: {why}"),
        Stopped::Spent(why) => why.clone(),
        Stopped::Cancelled => "it was cancelled".to_owned(),
    }
}

/// When a task has enough attempts, where that was asked.
fn until<'a>(
    args: &RolloutArgs,
    program: &'a dyn RunProgram,
    repositories: &'a Repositories,
) -> Option<Until<'a>> {
    let filter = match args.filter {
        RolloutFilter::Published => Filter::Published,
        RolloutFilter::Strict => Filter::Strict,
    };
    args.until.map(|count| Until {
        count: usize::try_from(count).unwrap_or(usize::MAX),
        tools: Tools {
            program: Some(program),
            rules: filter.rules(),
            cache: None,
            repositories: Some(repositories),
            flags: None,
            hashes: false,
        },
        filter,
    })
}

/// Where the attempts are made; a sandbox of it was started.
fn opened_stage(args: &RolloutArgs, output: &mut Output<'_>) -> Result<Stage> {
    let options = Options {
        // nobody goes back here
        keep_bytes: 0,
        ..Options::default()
    };
    let mut stage = stage(&args.stage, repositories(&args.repos)?, options)?;
    stage.limits.wall = args.max_time.saturating_add(SLACK);
    let system = if args.stage.image {
        System::Image(String::new())
    } else {
        System::Host
    };
    let chosen = stage.backends.of(&system, &Cancel::new())?;
    let names: Vec<&str> = unproved(&chosen.proofs)
        .map(|proof| proof.bound.name())
        .collect();
    let tier = chosen.backend.tier().name();
    if names.is_empty() {
        writeln!(output.err, "hgview: sandbox: {tier}")?;
    } else {
        writeln!(
            output.err,
            "hgview: sandbox: {tier}, not proved: {}",
            names.join(", ")
        )?;
    }
    Ok(stage)
}

/// The tasks among the records, each id once.
fn tasks_of(
    store: &Store,
    among: &[RecordIx],
    output: &mut Output<'_>,
) -> Result<Vec<Arc<Trajectory>>> {
    let mut met = HashSet::new();
    let (mut tasks, mut others, mut again) = (Vec::new(), 0, 0);
    for ix in among {
        let named = store.load_once(*ix).ok().and_then(|found| {
            let task = found.task.clone().filter(|task| task.instance.is_some())?;
            let id = task.id.clone()?;
            Some(Trajectory {
                id: id.clone(),
                task_id: Some(id),
                task: Some(task),
                ..Trajectory::default()
            })
        });
        match named {
            Some(task) if met.insert(task.id.clone()) => tasks.push(Arc::new(task)),
            Some(_) => again += 1,
            None => others += 1,
        }
    }
    for (count, what) in [
        (others, "are no tasks with an `instance_id`"),
        (again, "are about a task that came before"),
    ] {
        if count > 0 {
            writeln!(
                output.err,
                "hgview: {count} records {what} and are left out"
            )?;
        }
    }
    if tasks.is_empty() {
        return Err(Error::input("there is no task to attempt").hint(
            "a task is a row with `instance_id`, `repo`, `base_commit` and the fields of its type",
        ));
    }
    Ok(tasks)
}

fn agent<'a>(args: &RolloutArgs, chat: &'a OpenAi) -> Result<Agent<'a>> {
    let sampled = [
        ("temperature", args.temperature.map(Value::from)),
        ("top_p", args.top_p.map(Value::from)),
        ("max_tokens", args.answer_tokens.map(Value::from)),
    ];
    let sampling = sampled
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    Ok(Agent {
        chat,
        model: chat.settings().model.clone(),
        form: form(args)?,
        sampling,
        limits: Limits {
            steps: usize::try_from(args.max_steps).unwrap_or(usize::MAX),
            tokens: args.max_tokens,
            cost: args.max_attempt_cost,
            time: args.max_time,
            call: args.stage.timeout,
        },
        budget: endpoint::budget(&args.endpoint),
        prices: chat.settings().prices,
    })
}

fn form(args: &RolloutArgs) -> Result<CallForm> {
    if !args.text_calls {
        return Ok(CallForm::Native);
    }
    let Some(path) = &args.tool_prompt else {
        return Ok(CallForm::Text(Prompts::text_calls()));
    };
    let prompt = sft::ToolPrompt::parse(&read(path)?)?;
    let suffix = sft::tool_suffix(&rollout::definitions(), &prompt);
    let suffix =
        suffix.map_err(|err| Error::internal(format!("the tools cannot be described: {err}")))?;
    Ok(CallForm::Text(suffix))
}

fn prompts(args: &RolloutArgs) -> Result<Prompts> {
    let system = args.system_prompt.as_deref().map(read).transpose()?;
    let tasks = match &args.template {
        Some(path) => prompt::Prompts::load(path)?,
        None => prompt::Prompts::built_in()?,
    };
    Ok(Prompts { system, tasks })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|err| Error::input(format!("cannot read {}", path.display())).caused_by(err))
}

fn jobs(args: &RolloutArgs) -> usize {
    let asked = args.jobs.and_then(|jobs| usize::try_from(jobs).ok());
    asked.unwrap_or_else(crate::store::threads)
}

fn tell_earlier(earlier: &Earlier, output: &mut Output<'_>) -> Result<()> {
    if let Some(aside) = &earlier.torn {
        let aside = aside.display().to_string();
        writeln!(
            output.err,
            "hgview: the last line of the output was torn and is now in {}",
            text::clean_line(&aside)
        )?;
    }
    if earlier.passed > 0 {
        let lines = human::plural(earlier.passed, "line");
        writeln!(
            output.err,
            "hgview: {lines} of the output cannot be read and are passed over"
        )?;
    }
    Ok(())
}

/// Says in what attempts that are there differ from those that are to be made.
fn tell_others(run: &Run<'_>, earlier: &Earlier, output: &mut Output<'_>) -> Result<()> {
    let others = run.settings().differences(earlier);
    let in_words = |other: Other| match other.values {
        Some((then, now)) => format!("{} {then}, now {now}", other.option),
        None => format!("another {}", other.option),
    };
    let others: Vec<String> = others.into_iter().map(in_words).collect();
    if !others.is_empty() {
        let others = others.join("; ");
        writeln!(
            output.err,
            "hgview: attempts in the output were made with other settings, so that they are not to be compared with new \
             ones: {}",
            text::clean_line(&others)
        )?;
    }
    let changed = run.changed_tasks(earlier);
    if !changed.is_empty() {
        let count = human::plural(changed.len(), "task");
        let named: Vec<&str> = changed.into_iter().take(SHOWN_TASKS).collect();
        let named = named.join(", ");
        writeln!(
            output.err,
            "hgview: {count} changed since attempts in the output were made: {}",
            text::excerpt(&named, SHOWN_CELLS)
        )?;
    }
    Ok(())
}

/// What was told of a run.
struct Told {
    as_json: bool,
    table: Table,
    todo: usize,
    /// A task may need fewer attempts than are left of it.
    may_end_early: bool,
    /// Tasks of which enough attempts were accepted, and all; `None` where nothing was asked about that.
    enough: Option<(usize, usize)>,
    made: usize,
    failed: usize,
    faults: usize,
    /// When was told how far the judging is.
    judging: Option<Instant>,
    /// When was told that the endpoint is asked again.
    again: Option<Instant>,
}

impl Told {
    fn new(args: &RolloutArgs) -> Self {
        Self {
            as_json: args.json,
            table: Table::default(),
            todo: 0,
            may_end_early: args.until.is_some(),
            enough: None,
            made: 0,
            failed: 0,
            faults: 0,
            judging: None,
            again: None,
        }
    }

    fn tell(&mut self, event: Event, output: &mut Output<'_>) -> Result<()> {
        match event {
            Event::Begins { todo, earlier } => {
                self.todo = todo;
                if earlier > 0 {
                    let there = human::plural(earlier, "attempt");
                    let most = if self.may_end_early && todo > 0 {
                        "at most "
                    } else {
                        ""
                    };
                    writeln!(
                        output.err,
                        "hgview: the output holds {there}; {most}{todo} are left"
                    )?;
                }
            }
            Event::Judging { done, of } => {
                if self
                    .judging
                    .is_none_or(|told| told.elapsed() >= JUDGING_PACE)
                {
                    self.judging = Some(Instant::now());
                    let (done, of) = (human::count(done), human::plural(of, "earlier attempt"));
                    writeln!(output.err, "hgview: judged {done} of {of}")?;
                    output.err.flush()?;
                }
            }
            Event::Again {
                task,
                attempt,
                again,
            } => {
                if self.again.is_none_or(|told| told.elapsed() >= AGAIN_PACE) {
                    self.again = Some(Instant::now());
                    let Again { nth, of, why } = again;
                    let words =
                        format!("{task} attempt {attempt}: asking again ({nth} of {of}): {why}");
                    writeln!(output.err, "hgview: {}", text::clean_line(&words))?;
                    output.err.flush()?;
                }
            }
            Event::Stopping(why) => {
                let why = words_of_stop(&why);
                let words = format!("no more attempts are begun, those under way end: {why}");
                writeln!(output.err, "hgview: {}", text::clean_line(&words))?;
                output.err.flush()?;
            }
            Event::Done(done) => {
                self.made += 1;
                self.failed += usize::from(done.ended_by.is_failure());
                let (made, todo) = (human::count(self.made), human::count(self.todo));
                let of = if self.may_end_early {
                    "of at most"
                } else {
                    "of"
                };
                let words = words_of(&done);
                writeln!(
                    output.err,
                    "hgview: {made} {of} {todo}: {}",
                    text::clean_line(&words)
                )?;
                if self.as_json {
                    writeln!(output.out, "{}", records::to_json(&done)?)?;
                    output.out.flush()?;
                }
                self.table.add(&done);
            }
            Event::Enough { tasks, of } => self.enough = Some((tasks, of)),
            Event::Fault { task, why, left } => {
                self.faults += left;
                let words = format!("{task} cannot be attempted: {why}");
                writeln!(output.err, "hgview: {}", text::clean_line(&words))?;
            }
        }
        Ok(())
    }

    /// The table, and what was made in a few words.
    fn end(&self, file: &rollout::Output, output: &mut Output<'_>) -> Result<()> {
        if !self.as_json {
            self.table.print(output)?;
        }
        output.out.flush()?;
        let path = file.path().display().to_string();
        let (words, path) = (self.words(), text::clean_line(&path));
        if file.is_empty() {
            writeln!(output.err, "hgview: {words}")?;
        } else {
            writeln!(output.err, "hgview: {words}; see {path}")?;
        }
        Ok(())
    }

    /// What was made, in a few words.
    fn words(&self) -> String {
        let mut words = vec![format!("{} made", human::plural(self.made, "attempt"))];
        if self.failed > 0 {
            let failed = human::count(self.failed);
            words.push(format!("{failed} of them failed (--retry-failed)"));
        }
        if self.faults > 0 {
            words.push(format!("{} not possible", human::count(self.faults)));
        }
        if let Some((tasks, of)) = self.enough {
            let (tasks, of) = (human::count(tasks), human::plural(of, "task"));
            words.push(format!("enough accepted for {tasks} of {of}"));
        }
        words.join(", ")
    }
}

/// An attempt as its line of progress.
fn words_of(done: &Done) -> String {
    let tokens = done.tokens().map_or_else(
        || "tokens not told".to_owned(),
        |tokens| format!("{} tokens", human::short_count(tokens)),
    );
    let (id, attempt) = (&done.instance_id, done.attempt);
    let mut words = format!(
        "{id} attempt {attempt}: {}, {}, {tokens}, {}",
        done.ended_by.name(),
        human::plural(done.steps, "step"),
        human::seconds(done.seconds)
    );
    if let Some(verdict) = done.verdict {
        words.push_str(", ");
        words.push_str(verdict.name());
    }
    if let Some(error) = done.error.as_ref().filter(|_| done.ended_by.is_failure()) {
        words.push_str(": ");
        words.push_str(error);
    }
    words
}
