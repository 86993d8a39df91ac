//! A run: attempts of many tasks, several at once, each written when it ends.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use serde_json::json;

use crate::cancel::Cancel;
use crate::endpoint::Again;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Ended;
use crate::model::Format;
use crate::model::Source;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::replay::BaseKind;
use crate::replay::Ground as _;
use crate::replay::Stage;
use crate::replay::Workspace;
use crate::rollout::Agent;
use crate::rollout::Done;
use crate::rollout::Earlier;
use crate::rollout::Output;
use crate::rollout::Prompts;
use crate::rollout::course::NoCourse;
use crate::rollout::course::play;
use crate::rollout::hands::InSandbox;
use crate::rollout::history::now;
use crate::rollout::plan::Plan;
use crate::rollout::row::Left;
use crate::rollout::row::Row;
use crate::rollout::row::parsed;
use crate::rollout::settings::Settings;
use crate::rollout::settings::changed_tasks;
use crate::sandbox::Sandbox;
use crate::store::Head;
use crate::verify::check;
use crate::verify::check::Tools;
use crate::verify::filter::Filter;

/// When enough attempts of a task were accepted.
pub struct Until<'a> {
    /// So many.
    pub count: usize,
    /// By whom.
    pub filter: Filter,
    /// What judging may use.
    pub tools: Tools<'a>,
}

/// Attempts in a row, as they end, for which the endpoint gave not one answer: it is dead, and no more are begun.
const DEAD_AFTER: usize = 3;

/// What is to be done, and with what.
pub struct Run<'a> {
    /// Who attempts.
    pub agent: Agent<'a>,
    /// What attempts begin with.
    pub prompts: Prompts,
    /// Where the workspaces come from.
    pub stage: Stage,
    /// The tasks, each once, named by their ids.
    pub tasks: Vec<Arc<Trajectory>>,
    /// Attempts of each.
    pub attempts: usize,
    /// Attempts at once.
    pub jobs: usize,
    /// When a task has enough of them; `None` for never.
    pub until: Option<Until<'a>>,
    /// Make attempts again that failed through no fault of the model's.
    pub retry_failed: bool,
}

/// What happens while it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// So many attempts are to be made; so many are in the file already.
    Begins {
        /// To be made, at most.
        todo: usize,
        /// In the file.
        earlier: usize,
    },
    /// The filter judges the attempts that are in the file, to know how many more are wanted.
    Judging {
        /// So many are judged.
        done: usize,
        /// So many are to be.
        of: usize,
    },
    /// The endpoint is asked once more in an attempt.
    Again {
        /// The task.
        task: String,
        /// Which attempt of it.
        attempt: usize,
        /// How often by now, and why.
        again: Again,
    },
    /// No more attempts are begun; others are under way, and end.
    Stopping(Stopped),
    /// An attempt was written.
    Done(Done),
    /// At the end, where that was asked: so many tasks have as many accepted attempts as are enough.
    Enough {
        /// They.
        tasks: usize,
        /// All tasks.
        of: usize,
    },
    /// A task cannot be attempted, and why; so many attempts are not made.
    Fault {
        /// The task.
        task: String,
        /// Why.
        why: String,
        /// Attempts that are not made.
        left: usize,
    },
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// It was cancelled.
    Cancelled,
    /// The endpoint answers nothing of this kind.
    Refused(String),
    /// All attempts together have taken what they may.
    Spent(String),
    /// The endpoint gave several attempts in a row not one answer: what was said last.
    Dead(String),
}

/// What came of one attempt.
enum Made {
    Row(Box<Done>),
    /// The task cannot be attempted.
    Fault(String),
    Stopped(NoCourse),
}

/// What workers share.
struct Floor<'a> {
    run: &'a Run<'a>,
    plan: Plan,
    output: &'a Output,
    /// Stops all of them at once.
    cancel: &'a Cancel,
    settings: Settings,
    /// Attempts in a row that had no answer.
    unanswered: Mutex<usize>,
    stopped: Mutex<Option<Stopped>>,
    failed: Mutex<Option<Error>>,
}

impl Run<'_> {
    /// Makes the attempts that are not in the file yet. Why it stopped, if it did before its end.
    ///
    /// # Errors
    /// *input* when the file cannot be written or read.
    pub fn run(
        &self,
        output: &Output,
        earlier: &Earlier,
        said: &mut dyn FnMut(Event),
        cancel: &Cancel,
    ) -> Result<Option<Stopped>> {
        let Some(seats) = self.seats(output, earlier, said, cancel)? else {
            return Ok(Some(Stopped::Cancelled));
        };
        let until = self.until.as_ref().map(|until| until.count);
        let plan = Plan::new(seats, until);
        let todo = plan.left();
        said(Event::Begins {
            todo,
            earlier: earlier.attempts.len(),
        });
        let floor = Floor {
            run: self,
            plan,
            output,
            cancel,
            settings: self.settings(),
            unanswered: Mutex::default(),
            stopped: Mutex::default(),
            failed: Mutex::default(),
        };
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, todo.max(1)) {
                let (sender, floor) = (sender.clone(), &floor);
                scope.spawn(move || floor.work(&sender));
            }
            drop(sender);
            for event in receiver {
                said(event);
            }
        });
        if until.is_some() {
            let (tasks, of) = (floor.plan.enough(), self.tasks.len());
            said(Event::Enough { tasks, of });
        }
        let taken = floor.failed.into_inner();
        if let Some(error) = taken.unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let taken = floor.stopped.into_inner();
        let stopped = taken.unwrap_or_else(PoisonError::into_inner);
        Ok(stopped.or_else(|| cancel.is_cancelled().then_some(Stopped::Cancelled)))
    }

    /// What attempts are made with.
    pub fn settings(&self) -> Settings {
        Settings::of(&self.agent, &self.prompts)
    }

    /// The tasks of which attempts in the file saw another instance.
    pub fn changed_tasks<'a>(&'a self, earlier: &'a Earlier) -> Vec<&'a str> {
        changed_tasks(self.tasks.iter().map(Arc::as_ref), earlier)
    }

    /// What the filter says of a line, where one was asked.
    pub(super) fn verdict(&self, line: &[u8], cancel: &Cancel) -> Option<Verdict> {
        let until = self.until.as_ref()?;
        let Ok(trajectory) = parsed(line) else {
            return Some(Verdict::Unjudged);
        };
        let head = Head::whole(ContentHash::of(line), Arc::clone(&trajectory));
        let whole = || Ok(Arc::clone(&trajectory));
        let checked = check::check(&head, &whole, &until.tools, cancel);
        Some(until.filter.verdict(&checked))
    }
}

impl Floor<'_> {
    /// Makes attempts until none is left.
    fn work(&self, said: &Sender<Event>) {
        while let Some(flight) = self.plan.next(self.cancel) {
            let at = flight.task;
            let Some(task) = self.run.tasks.get(at) else {
                return;
            };
            let event = match self.attempt(task, flight.number, said) {
                Ok(Made::Row(done)) => {
                    self.look(&done, said);
                    if done.verdict == Some(Verdict::Accept) {
                        flight.accepted();
                    }
                    Event::Done(*done)
                }
                Ok(Made::Fault(why)) => Event::Fault {
                    task: task.id.clone(),
                    why,
                    left: self.plan.give_up(at) + 1,
                },
                Ok(Made::Stopped(NoCourse::Cancelled)) => {
                    self.cancel.cancel();
                    return;
                }
                Ok(Made::Stopped(NoCourse::Refused(why))) => {
                    self.stop(Stopped::Refused(why), said);
                    return;
                }
                Ok(Made::Stopped(NoCourse::Spent(why))) => {
                    self.stop(Stopped::Spent(why), said);
                    return;
                }
                Err(error) => {
                    keep_first(&self.failed, error);
                    self.cancel.cancel();
                    return;
                }
            };
            if said.send(event).is_err() {
                return;
            }
        }
    }

    /// Begins no more attempts. Those under way end as they end: they were paid for.
    fn stop(&self, why: Stopped, said: &Sender<Event>) {
        let has_others = self.plan.stop();
        // where nothing else is under way, the end is told next
        if keep_first(&self.stopped, why.clone()) && has_others {
            // nobody may hear of it any more
            drop(said.send(Event::Stopping(why)));
        }
    }

    /// Stops where an attempt shows that the others would come to nothing.
    fn look(&self, done: &Done, said: &Sender<Event>) {
        let unanswered = {
            let unanswered = self.unanswered.lock();
            let mut unanswered = unanswered.unwrap_or_else(PoisonError::into_inner);
            let has_none = done.ended_by == Ended::Unavailable && done.steps == 0;
            *unanswered = if has_none { *unanswered + 1 } else { 0 };
            *unanswered
        };
        let why = || done.error.clone().unwrap_or_default();
        if unanswered >= DEAD_AFTER {
            self.stop(Stopped::Dead(why()), said);
        } else if let (Ended::Budget, Some(why)) =
            (done.ended_by, self.run.agent.budget.exhausted())
        {
            self.stop(Stopped::Spent(why), said);
        }
    }

    /// Makes an attempt, judges it and writes it.
    fn attempt(&self, task: &Arc<Trajectory>, number: usize, said: &Sender<Event>) -> Result<Made> {
        let (began, started) = (now(), Instant::now());
        let run = self.run;
        let blank = Arc::new(blank(task));
        let opened = run.stage.workspace(&blank, self.cancel);
        let (mut workspace, chosen) = match opened {
            Ok(opened) => opened,
            Err(_) if self.cancel.is_cancelled() => return Ok(Made::Stopped(NoCourse::Cancelled)),
            Err(error) => return Ok(Made::Fault(error.to_string())),
        };
        if matches!(workspace.kind(), BaseKind::Rebuilt | BaseKind::Empty) {
            let notes = workspace.base().notes.join("; ");
            return Ok(Made::Fault(format!(
                "its repository is not at hand: {notes}"
            )));
        }
        let root = workspace.root().to_owned();
        let brief = match run.prompts.brief(task, &root) {
            Ok(brief) => brief,
            Err(error) => return Ok(Made::Fault(error.to_string())),
        };
        let prepared = chosen
            .backend
            .start(workspace.spec(), self.cancel)
            .and_then(|mut sandbox| {
                let notes = workspace.prepare(sandbox.as_mut(), self.cancel)?;
                Ok((sandbox, notes))
            });
        let (mut sandbox, notes) = match prepared {
            _ if self.cancel.is_cancelled() => return Ok(Made::Stopped(NoCourse::Cancelled)),
            Ok(prepared) => prepared,
            Err(error) => return Ok(Made::Fault(format!("no sandbox for it: {error}"))),
        };
        let mut hands = InSandbox::new(sandbox.as_mut(), &root);
        let mut again = |again: Again| {
            let (task, attempt) = (task.id.clone(), number);
            // nobody may hear of it any more
            drop(said.send(Event::Again {
                task,
                attempt,
                again,
            }));
        };
        let mut course = match play(&run.agent, &brief, &mut hands, &mut again, self.cancel) {
            Ok(course) => course,
            Err(stopped) => return Ok(Made::Stopped(stopped)),
        };
        let left = if course.ended == Ended::Sandbox {
            Left::default()
        } else {
            match left(&mut workspace, sandbox.as_mut(), self.cancel) {
                _ if self.cancel.is_cancelled() => return Ok(Made::Stopped(NoCourse::Cancelled)),
                Ok(left) => left,
                Err(error) => {
                    course.ended = Ended::Sandbox;
                    course.error = Some(format!("AgentRuntimeError: no final patch: {error}"));
                    Left::default()
                }
            }
        };
        drop(sandbox);
        let row = Row {
            agent: &run.agent,
            settings: &self.settings,
            task,
            number,
            brief: &brief,
            began: &began,
            took: started.elapsed(),
            course,
            left,
            details: json!({"base": workspace.kind().name(), "sandbox": chosen.backend.tier().name(), "notes": notes}),
        };
        let (line, mut done) = row.into_line()?;
        done.verdict = run.verdict(&line, self.cancel);
        self.output.append(line)?;
        Ok(Made::Row(Box::new(done)))
    }
}

/// Whether it is the first.
fn keep_first<T>(place: &Mutex<Option<T>>, value: T) -> bool {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    let is_first = place.is_none();
    place.get_or_insert(value);
    is_first
}

/// A trajectory of a task that has not begun.
fn blank(task: &Trajectory) -> Trajectory {
    Trajectory {
        source: Source {
            format: Some(Format::OpenHandsV0),
            ..Source::default()
        },
        id: task.id.clone(),
        task_id: task.task_id.clone(),
        task: task.task.clone(),
        ..Trajectory::default()
    }
}

/// What stands in the workspace at the end.
fn left(workspace: &mut Workspace, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<Left> {
    let patch = workspace.patch(sandbox, cancel)?;
    let finished = workspace.finished();
    let finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Left {
        patch: patch.map_or_else(|| Text::from(""), |made| made.patch),
        answer: finished
            .as_ref()
            .and_then(|finished| finished.answer.clone()),
    })
}
