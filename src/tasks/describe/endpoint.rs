//! Descriptions by a model behind an endpoint.
//!
//! A model is asked for each definition, told what gives the place away where its answer does, and asked again. Every
//! answer is kept in a file under the hash of what was asked: the same question is never asked twice, and a run that was
//! killed goes on where it stood. Once the budget is spent or the endpoint fails time after time nothing more is asked;
//! what is not described then is left out.

mod answers;
mod prompt;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde_json::json;

use crate::cancel::Cancel;
use crate::endpoint::Budget;
use crate::endpoint::Chat;
use crate::endpoint::Completion;
use crate::endpoint::NoAnswer;
use crate::endpoint::Prices;
use crate::endpoint::Usage;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Value;
use crate::tasks::LeftOut;
use crate::tasks::describe::Describe;
use crate::tasks::describe::Subject;
use crate::tasks::describe::endpoint::answers::Answers;
use crate::tasks::describe::endpoint::prompt::Prompt;
use crate::tasks::describe::leak::leaks;
use crate::tasks::describe::rules::checked;
use crate::text;

/// How often a model may write a description anew.
const AGAIN: usize = 2;
/// Definitions in a row for which the endpoint may fail.
const FAILURES: usize = 3;
/// A longer answer is no description.
const MOST_BYTES: usize = 2000;
/// Words that are told to give the place away.
const MOST_TOLD: usize = 10;

/// Which model is asked, how, and for how much.
#[derive(Debug, Default)]
pub struct Options {
    /// The name of the model, under which its answers are kept.
    pub model: String,
    /// The template of what it is asked, in place of the one that is built in.
    pub template: Option<String>,
    /// The file of answers; without it none is kept.
    pub answers: Option<PathBuf>,
    /// What all answers together may take.
    pub budget: Budget,
    /// What tokens cost, for endpoints that do not count them.
    pub prices: Option<Prices>,
}

/// What became of the questions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Answers that were asked for.
    pub asked: u64,
    /// Answers that were known already.
    pub known: u64,
    /// What those that were asked for took.
    pub spent: Usage,
    /// Why nothing more was asked for, where that is so.
    pub ended: Option<String>,
    /// That is no budget that was spent.
    pub has_failed: bool,
    /// What the file of answers had that was none, in words.
    pub notes: Vec<String>,
}

/// Asks a model.
pub struct Endpoint {
    chat: Box<dyn Chat + Send>,
    model: String,
    prompt: Prompt,
    budget: Budget,
    prices: Option<Prices>,
    answers: Option<Mutex<Answers>>,
    course: Mutex<Course>,
}

/// How it went so far.
#[derive(Debug, Default)]
struct Course {
    report: Report,
    failures: usize,
}

impl Course {
    /// Nothing more is asked for, because something failed.
    fn end(&mut self, why: String) {
        if self.report.ended.is_none() {
            self.report.ended = Some(why);
            self.report.has_failed = true;
        }
    }
}

impl Endpoint {
    /// Will ask this model.
    ///
    /// # Errors
    /// *user* when the template is none; *input* when the file of answers cannot be used, or is in use.
    pub fn new(chat: impl Chat + Send + 'static, options: Options) -> Result<Self> {
        let mut course = Course::default();
        let answers = match &options.answers {
            Some(path) => Some(Mutex::new(Answers::open(path, &mut course.report.notes)?)),
            None => None,
        };
        Ok(Self {
            chat: Box::new(chat),
            model: options.model,
            prompt: Prompt::new(options.template.as_deref())?,
            budget: options.budget,
            prices: options.prices,
            answers,
            course: Mutex::new(course),
        })
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What became of the questions so far.
    pub fn report(&self) -> Report {
        let mut report = self.course().report.clone();
        report.spent = self.budget.spent();
        report
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, key: ContentHash) -> Option<String> {
        let answers = self.answers.as_ref()?;
        let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(key).map(str::to_owned)
    }

    /// What the model says next, from the file of answers or from the model itself.
    fn answer(&self, messages: &[Value], cancel: &Cancel) -> Result<String, LeftOut> {
        let request = json!({"messages": messages});
        let asked = request.to_string();
        let key = ContentHash::of_parts([self.model.as_bytes(), asked.as_bytes()]);
        if let Some(answer) = self.known(key) {
            self.course().report.known += 1;
            return Ok(answer);
        }
        if let Some(why) = self.must_end() {
            return Err(left_out("nothing more is asked for", why));
        }
        let done = self
            .chat
            .complete(&request, cancel)
            .map_err(|why| self.failed(why))?;
        let answer = said(&done);
        let taken = done
            .usage
            .or_guessed(|| (asked.len(), answer.len()), self.prices.as_ref());
        self.budget.spend(&taken);
        {
            let mut course = self.course();
            course.failures = 0;
            course.report.asked += 1;
        }
        if let Some(answers) = &self.answers {
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(err) = answers.add(key, &self.model, &answer) {
                // what is not kept would be paid for again
                self.course().end(err.to_string());
            }
        }
        Ok(answer)
    }

    fn must_end(&self) -> Option<String> {
        let spent = self.budget.exhausted();
        let mut course = self.course();
        if course.report.ended.is_none() {
            course.report.ended = spent;
        }
        course.report.ended.clone()
    }

    fn failed(&self, why: NoAnswer) -> LeftOut {
        let why = match why {
            NoAnswer::Cancelled => return left_out("cancelled", String::new()),
            NoAnswer::TooLong(why) => {
                return left_out("the definition is too long for the model", why);
            }
            NoAnswer::Unavailable(why) | NoAnswer::Refused(why) => why,
        };
        let mut course = self.course();
        course.failures += 1;
        if course.failures >= FAILURES {
            course.end(why.clone());
        }
        left_out("the endpoint gave no answer", why)
    }
}

impl Describe for Endpoint {
    fn describe(&self, subject: &Subject<'_>, cancel: &Cancel) -> Result<String, LeftOut> {
        let prompt = self.prompt.of(subject)?;
        let mut messages = vec![json!({"role": "user", "content": prompt})];
        let mut asked = 0;
        loop {
            let answer = self.answer(&messages, cancel)?;
            let (why, complaint) = match judged(subject, plain(&answer)) {
                Ok(description) => return Ok(description),
                Err(refused) => refused,
            };
            if asked == AGAIN {
                return Err(why);
            }
            asked += 1;
            messages.push(json!({"role": "assistant", "content": answer}));
            messages.push(json!({"role": "user", "content": complaint}));
        }
    }
}

fn left_out(reason: &'static str, detail: String) -> LeftOut {
    LeftOut { reason, detail }
}

/// The text of an answer. One that was cut off says nothing.
fn said(done: &Completion) -> String {
    if done.finish_reason == "length" {
        return String::new();
    }
    match done.message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}

/// A description as it stands in a task: on one line, without the thoughts, fences and quotes around it.
fn plain(answer: &str) -> String {
    let answer = match answer.rsplit_once("</think>") {
        Some((_thoughts, answer)) => answer,
        None => answer,
    };
    let text: String = answer
        .chars()
        .filter(|&letter| {
            letter.is_whitespace() || !(letter.is_control() || text::is_hidden(letter))
        })
        .collect();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("```"));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let text = words.join(" ");
    let bare = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    bare.filter(|bare| !bare.contains('"'))
        .map_or(text.clone(), str::to_owned)
}

/// A description that can be used, or why it cannot, and what to tell the model of it.
fn judged(subject: &Subject<'_>, text: String) -> Result<String, (LeftOut, String)> {
    if text.len() > MOST_BYTES {
        let why = left_out("the description is too long", text::excerpt(&text, 80));
        return Err((
            why,
            "That is too long. Write it again in two to four sentences.".to_owned(),
        ));
    }
    let told: BTreeSet<String> = leaks(subject, &text)
        .into_iter()
        .filter_map(|leak| Some(format!("\"{}\"", text.get(leak.range)?)))
        .take(MOST_TOLD)
        .collect();
    checked(subject, text).map_err(|why| {
        let told: Vec<String> = told.into_iter().collect();
        let complaint = if told.is_empty() {
            "That says too little to find it by. Write it again in two to four sentences.".to_owned()
        } else {
            format!(
                "That gives the place away by saying {}. Write it again without these words, and without any other word \
                 of its name, of the names around it and of its path.",
                told.join(", ")
            )
        };
        (why, complaint)
    })
}

#[cfg(test)]
mod tests;
