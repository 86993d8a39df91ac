//! A model behind an OpenAI-compatible endpoint.

use std::time::Duration;

use serde_json::json;

use crate::cancel::Cancel;
use crate::endpoint::Again;
use crate::endpoint::Chat;
use crate::endpoint::Completion;
use crate::endpoint::NoAnswer;
use crate::endpoint::Settings;
use crate::endpoint::answer::Answer;
use crate::endpoint::exchange::Agents;
use crate::endpoint::fault::Fault;
use crate::endpoint::fault::shown;
use crate::endpoint::pause;
use crate::endpoint::pause::Pause;
use crate::model::Value;
use crate::text::human;

/// Bytes of a refusal that are read.
const SAID_BYTES: usize = 64 << 10;

/// A model behind an OpenAI-compatible endpoint. Asked from several threads at once it has as many connections.
pub struct OpenAi {
    settings: Settings,
    agents: Agents,
    pause: Box<dyn Pause>,
}

impl OpenAi {
    /// The model that the settings name.
    pub fn new(settings: Settings) -> Self {
        Self::with_pause(settings, pause::Real)
    }

    /// The same, but it waits between tries as it is told.
    pub fn with_pause(settings: Settings, pause: impl Pause + 'static) -> Self {
        Self {
            settings,
            agents: Agents::default(),
            pause: Box::new(pause),
        }
    }

    /// How it is asked.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn body(&self, request: &Value) -> Option<Vec<u8>> {
        let mut body = request.as_object()?.clone();
        body.insert("model".to_owned(), self.settings.model.as_str().into());
        body.insert("stream".to_owned(), self.settings.is_streamed.into());
        if self.settings.is_streamed {
            let options = json!({"include_usage": true});
            body.insert("stream_options".to_owned(), options);
        }
        serde_json::to_vec(&body).ok()
    }

    fn try_once(&self, body: &[u8], cancel: &Cancel) -> Result<Completion, Fault> {
        let mut incoming = self.agents.send(&self.settings, body.to_vec(), cancel)?;
        if !incoming.status.is_success() {
            let said = incoming.text(SAID_BYTES)?;
            return Err(Fault::of_status(incoming.status, &incoming.headers, &said));
        }
        let mut answer = Answer::default();
        let mut count = 0_usize;
        loop {
            let bytes = match incoming.next() {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break,
                Err(Fault::Passing(..)) if answer.is_whole() => break,
                Err(fault) => return Err(fault),
            };
            count = count.saturating_add(bytes.len());
            if count > self.settings.max_bytes {
                let most = human::bytes(self.settings.max_bytes as u64);
                return Err(Fault::passing(format!("an answer of more than {most}")));
            }
            if answer.push(&bytes)? {
                incoming.finish();
                break;
            }
        }
        let mut completion = answer.finish(self.settings.prices.as_ref())?;
        if let Some(key) = &self.settings.key {
            key.mask_value(&mut completion.message);
            for text in [
                &mut completion.id,
                &mut completion.model,
                &mut completion.finish_reason,
            ] {
                *text = key.masked(text);
            }
        }
        Ok(completion)
    }

    /// What is said of the endpoint: where it is, and what was seen without anything secret.
    fn told(&self, what: &str) -> String {
        let what = shown(&self.settings.masked(what));
        format!("{}: {what}", self.settings.host())
    }
}

impl Chat for OpenAi {
    fn ask(
        &self,
        request: &Value,
        again: &mut dyn FnMut(Again),
        cancel: &Cancel,
    ) -> Result<Completion, NoAnswer> {
        let Some(body) = self.body(request) else {
            return Err(NoAnswer::Refused("the request is no object".to_owned()));
        };
        let mut tries = 0;
        loop {
            if cancel.is_cancelled() {
                return Err(NoAnswer::Cancelled);
            }
            tries += 1;
            let (what, asked) = match self.try_once(&body, cancel) {
                Ok(completion) => return Ok(completion),
                Err(Fault::Cancelled) => return Err(NoAnswer::Cancelled),
                Err(Fault::Refused(what)) => return Err(NoAnswer::Refused(self.told(&what))),
                Err(Fault::TooLong(what)) => return Err(NoAnswer::TooLong(self.told(&what))),
                Err(Fault::Passing(what, asked)) => (what, asked),
            };
            if asked.is_some_and(|asked| asked > self.settings.times.patience) {
                let asked = human::seconds(asked.unwrap_or_default().as_secs_f64());
                let what = self.told(&what);
                return Err(NoAnswer::Unavailable(format!(
                    "{what} (try again in {asked})"
                )));
            }
            if tries >= self.settings.tries {
                let what = self.told(&what);
                return Err(NoAnswer::Unavailable(match tries {
                    1 => what,
                    _ => format!("{what} ({tries} tries)"),
                }));
            }
            again(Again {
                nth: tries + 1,
                of: self.settings.tries,
                why: self.told(&what),
            });
            let wait = pause::back_off(tries, self.pause.chance());
            self.pause
                .pause(wait.max(asked.unwrap_or(Duration::ZERO)), cancel);
        }
    }
}
