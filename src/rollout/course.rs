//! The course of an attempt: ask the model, run what it asked for, tell it what came of that, until it ends.

use std::time::Duration;
use std::time::Instant;

use serde_json::Map;
use serde_json::Value;

use crate::cancel::Cancel;
use crate::endpoint::Again;
use crate::endpoint::Budget;
use crate::endpoint::Chat;
use crate::endpoint::NoAnswer;
use crate::endpoint::Prices;
use crate::model::Ended;
use crate::rollout::hands::Hands;
use crate::rollout::history::History;
use crate::rollout::metrics::Metrics;
use crate::rollout::said::CallForm;
use crate::rollout::said::Ids;
use crate::rollout::said::Said;
use crate::rollout::talk::Talk;
use crate::rollout::tools;

/// Turns without a call, one behind the other, that end an attempt.
const SILENT_TURNS: usize = 4;

/// What is said to a model that asks for no call.
const GO_ON: &str = "Please go on with the task in whatever way you think is right. When you are done, call the tool \
                     `finish`. Nobody is here to answer questions.";

/// How much an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Turns of the model.
    pub steps: usize,
    /// Tokens, read and written, over all turns, as the endpoint counts them.
    pub tokens: Option<u64>,
    /// US dollars, where the endpoint or its prices tell them.
    pub cost: Option<f64>,
    /// All of it.
    pub time: Duration,
    /// One call.
    pub call: Duration,
}

/// Who attempts, and how.
pub struct Agent<'a> {
    /// The model.
    pub chat: &'a dyn Chat,
    /// What it is called.
    pub model: String,
    /// How it asks for calls.
    pub form: CallForm,
    /// Parameters of each request: `temperature` and the like.
    pub sampling: Map<String, Value>,
    /// How much an attempt may take.
    pub limits: Limits,
    /// What all attempts together may take.
    pub budget: Budget,
    /// What tokens cost, where that was told.
    pub prices: Option<Prices>,
}

/// What an attempt begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Brief {
    /// The system prompt.
    pub(super) system: String,
    /// The task.
    pub(super) task: String,
    /// The workspace's folder, in which the shell begins.
    pub(super) root: String,
}

/// An attempt that has ended.
#[derive(Debug)]
pub(super) struct Course {
    /// What happened.
    pub(super) history: History,
    /// What was said.
    pub(super) talk: Talk,
    /// What it took.
    pub(super) metrics: Metrics,
    /// Turns of the model.
    pub(super) steps: usize,
    /// What ended it.
    pub(super) ended: Ended,
    /// That in words, as OpenHands has them where it knows such an end.
    pub(super) error: Option<String>,
}

/// Why there is no attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoCourse {
    /// It was cancelled.
    Cancelled,
    /// The endpoint answers nothing of this kind.
    Refused(String),
    /// All attempts together have taken what they may, and this one nothing.
    Spent(String),
}

/// An attempt in progress.
struct Playing<'a> {
    agent: &'a Agent<'a>,
    hands: &'a mut dyn Hands,
    course: Course,
    ids: Ids,
    began: Instant,
    silent: usize,
    /// Hears that the endpoint is asked once more.
    again: &'a mut dyn FnMut(Again),
}

/// What ends an attempt, and that in words.
type End = (Ended, Option<String>);

/// Attempts a task to its end; what the endpoint is asked once more is told `again`.
pub(super) fn play(
    agent: &Agent<'_>,
    brief: &Brief,
    hands: &mut dyn Hands,
    again: &mut dyn FnMut(Again),
    cancel: &Cancel,
) -> Result<Course, NoCourse> {
    let mut history = History::in_folder(&brief.root);
    history.system(&brief.system, &tools::definitions());
    history.user(&brief.task);
    let mut playing = Playing {
        agent,
        hands,
        course: Course {
            history,
            talk: Talk::new(&agent.form, &brief.system, &brief.task),
            metrics: Metrics::default(),
            steps: 0,
            ended: Ended::Finish,
            error: None,
        },
        ids: Ids::default(),
        began: Instant::now(),
        silent: 0,
        again,
    };
    loop {
        if let Some((ended, error)) = playing.turn(cancel)? {
            playing.course.ended = ended;
            playing.course.error = error;
            return Ok(playing.course);
        }
    }
}

/// How often is looked whether the time is over.
const PACE: Duration = Duration::from_millis(20);

/// Does something that can be cancelled, and cancels it when the time is over.
pub(super) fn within<T>(left: Duration, cancel: &Cancel, work: impl FnOnce(&Cancel) -> T) -> T {
    /// Sends the watcher home, also where the work panics: the scope waits for it.
    struct Home<'a>(&'a Cancel, std::thread::Thread);
    impl Drop for Home<'_> {
        fn drop(&mut self) {
            self.0.cancel();
            self.1.unpark();
        }
    }
    let (own, ended) = (Cancel::new(), Cancel::new());
    let until = Instant::now().checked_add(left);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !ended.is_cancelled() {
                let is_over = until.is_some_and(|until| Instant::now() >= until);
                if is_over || cancel.is_cancelled() {
                    own.cancel();
                    return;
                }
                std::thread::park_timeout(PACE);
            }
        });
        let _home = Home(&ended, watcher.thread().clone());
        work(&own)
    })
}

impl Playing<'_> {
    /// One turn of the model and its calls; what ends the attempt, if anything does.
    fn turn(&mut self, cancel: &Cancel) -> Result<Option<End>, NoCourse> {
        if let Some(end) = self.limit() {
            return Ok(Some(end));
        }
        match self.agent.budget.exhausted() {
            Some(why) if self.course.steps == 0 => return Err(NoCourse::Spent(why)),
            // what it did was paid for
            Some(why) => {
                let error = format!("RuntimeError: Agent stopped: {why} by all attempts together");
                return Ok(Some((Ended::Budget, Some(error))));
            }
            None => {}
        }
        let request = self.course.talk.request(&self.agent.sampling);
        let asked = Instant::now();
        let left = self.agent.limits.time.saturating_sub(self.began.elapsed());
        let (chat, again) = (self.agent.chat, &mut *self.again);
        let ask = |cancel: &Cancel| chat.ask(&request, again, cancel);
        let completion = match within(left, cancel, ask) {
            _ if cancel.is_cancelled() => return Err(NoCourse::Cancelled),
            Ok(completion) => completion,
            Err(NoAnswer::Cancelled) => match self.limit() {
                Some(end) => return Ok(Some(end)),
                None => return Err(NoCourse::Cancelled),
            },
            // an endpoint that took this conversation before refuses what stands in it now, not all of them
            Err(NoAnswer::Refused(why)) if self.course.steps > 0 => {
                let error = format!("LLMBadRequestError: {why}");
                return Ok(Some((Ended::Unavailable, Some(error))));
            }
            Err(NoAnswer::Refused(why)) => return Err(NoCourse::Refused(why)),
            Err(NoAnswer::Unavailable(why)) => {
                return Ok(Some((
                    Ended::Unavailable,
                    Some(format!("LLMNoResponseError: {why}")),
                )));
            }
            Err(NoAnswer::TooLong(why)) => {
                let error = format!("LLMContextWindowExceedError: {why}");
                return Ok(Some((Ended::TooLong, Some(error))));
            }
        };
        let bytes = || {
            (
                request.to_string().len(),
                completion.message.to_string().len(),
            )
        };
        let prices = self.agent.prices.as_ref();
        let taken = completion.usage.or_guessed(bytes, prices);
        let said = Said::of(completion, &self.agent.form, &mut self.ids);
        self.course.steps += 1;
        self.agent.budget.spend(&taken);
        self.course.metrics.add(&said, &taken, asked.elapsed());
        self.course.talk.said(&said);
        if said.calls.is_empty() {
            return Ok(self.silence(&said));
        }
        self.silent = 0;
        self.calls(&said, cancel)
    }

    /// Runs the calls of a turn, in order.
    fn calls(&mut self, said: &Said, cancel: &Cancel) -> Result<Option<End>, NoCourse> {
        for asked in &said.calls {
            let metrics = &self.course.metrics;
            let event = self.course.history.call(said, asked, metrics);
            if asked.tool == tools::FINISH && asked.args.is_ok() {
                return Ok(Some((Ended::Finish, None)));
            }
            let left = self.agent.limits.time.saturating_sub(self.began.elapsed());
            if left.is_zero() {
                return Ok(self.limit());
            }
            let patience = self.agent.limits.call.min(left);
            let seen = match self.hands.run(asked, patience, cancel) {
                _ if cancel.is_cancelled() => return Err(NoCourse::Cancelled),
                Ok(seen) => seen,
                Err(error) => {
                    let error = format!("AgentRuntimeError: {error}");
                    return Ok(Some((Ended::Sandbox, Some(error))));
                }
            };
            self.course.history.result(event, asked, &seen);
            self.course.talk.result(asked, &seen.message);
        }
        Ok(None)
    }

    /// A turn without a call: the model is told to go on, a few times.
    fn silence(&mut self, said: &Said) -> Option<End> {
        self.course.history.words(said, &self.course.metrics);
        self.silent += 1;
        if self.silent >= SILENT_TURNS {
            let error = format!("the agent called no tool in {SILENT_TURNS} turns");
            return Some((Ended::NoCall, Some(error)));
        }
        self.course.history.user(GO_ON);
        self.course.talk.user(GO_ON);
        None
    }

    /// The limit that is reached.
    fn limit(&self) -> Option<End> {
        let limits = &self.agent.limits;
        let metrics = &self.course.metrics;
        let told = |ended: Ended, error: String| Some((ended, Some(error)));
        let (steps, most) = (self.course.steps, limits.steps);
        if steps >= most {
            return told(
                Ended::MaxSteps,
                format!(
                    "RuntimeError: Agent reached maximum iteration in headless mode. Current iteration: {steps}, max \
                     iteration: {most}"
                ),
            );
        }
        if let (Some(cost), Some(most)) = (metrics.taken().cost, limits.cost)
            && cost >= most
        {
            return told(
                Ended::MaxCost,
                format!(
                    "RuntimeError: Agent reached maximum budget in headless mode. Current budget: {cost:.2}, max budget: \
                     {most:.2}"
                ),
            );
        }
        let tokens = metrics.tokens();
        if let Some(most) = limits.tokens.filter(|most| tokens >= *most) {
            let error = format!(
                "RuntimeError: Agent reached maximum tokens. Current tokens: {tokens}, max tokens: {most}"
            );
            return told(Ended::MaxTokens, error);
        }
        if self.began.elapsed() >= limits.time {
            let most = limits.time.as_secs_f64();
            return told(
                Ended::MaxTime,
                format!("TimeoutError: Agent reached maximum time: {most} seconds"),
            );
        }
        None
    }
}
