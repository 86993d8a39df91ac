//! Prompts of the whole program: narrowing and finding while they are typed. Knows what a prompt's text means to the
//! view below it, not how a prompt edits its line.

use std::sync::Arc;

use regex::Regex;
use regex::RegexBuilder;

use crate::select::Selector;
use crate::text::clean_line;
use crate::text::human;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::app::screens::Screen;
use crate::ui::data::Arrangement;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;
use crate::ui::overlay;
use crate::ui::overlay::Overlay;
use crate::ui::overlay::PromptChange;
use crate::ui::overlay::PromptKind;

/// A prompt that is open: where it began, to go back to.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) row: usize,
    pub(super) how: Arrangement,
}

impl App {
    pub(super) fn open_prompt(&mut self, kind: PromptKind) {
        let text = if kind == PromptKind::Narrow {
            self.list.how().narrow.clone()
        } else {
            String::new()
        };
        self.open_prompt_with(kind, &text);
    }

    /// Opens a prompt that holds a text already.
    pub(super) fn open_prompt_with(&mut self, kind: PromptKind, text: &str) {
        let top = self.screens.top();
        let row = top.map_or_else(|| self.list.place(), Screen::find_origin);
        self.origin = Some(Origin {
            row,
            how: self.list.how().clone(),
        });
        let history = self.typed_before(kind);
        self.overlays
            .push(Overlay::Prompt(overlay::Prompt::new(kind, text, history)));
    }

    /// Opens the prompt of the query, with the one that is in force.
    pub(super) fn open_filter(&mut self) {
        let shown = self.list.how().filter.as_deref();
        let text = shown.map(Selector::text).unwrap_or_default();
        let history = self.typed_before(PromptKind::Filter);
        let filter = overlay::Filter::new(text, history);
        self.overlays.push(Overlay::Filter(filter));
    }

    /// What was typed before in prompts of this kind, the oldest first.
    fn typed_before(&self, kind: PromptKind) -> Vec<String> {
        let all = self.habits.history.iter();
        all.filter(|(of, _)| *of == kind)
            .map(|(_, text)| text.clone())
            .collect()
    }

    /// A query was typed: the list is arranged by it.
    pub(super) fn prompt_filter(
        &mut self,
        text: &str,
        what: PromptChange,
        effects: &mut Vec<Effect>,
    ) {
        if what != PromptChange::Accepted {
            return;
        }
        let filter = match text.trim() {
            "" => None,
            text => match Selector::parse(text) {
                Ok(selector) => Some(Arc::new(selector)),
                Err(err) => {
                    let text = clean_line(&err.to_string()).into_owned();
                    self.status.say(Tone::Error, text);
                    return;
                }
            },
        };
        let how = Arrangement {
            filter,
            ..self.list.how().clone()
        };
        self.arrange_unless_hidden(how, effects);
    }

    pub(super) fn prompt_narrow(
        &mut self,
        text: String,
        what: PromptChange,
        effects: &mut Vec<Effect>,
    ) {
        let how = match (what, &self.origin) {
            (PromptChange::Cancelled, Some(origin)) => origin.how.clone(),
            _ => Arrangement {
                narrow: text,
                ..self.list.how().clone()
            },
        };
        if how != *self.list.how() {
            let cx = context(&self.data, &self.paint, &self.habits, self.screen);
            self.list.arrange(how, &cx, effects);
        }
    }

    pub(super) fn prompt_find(
        &mut self,
        text: &str,
        what: PromptChange,
        effects: &mut Vec<Effect>,
    ) {
        let from = self.origin.as_ref().map_or(0, |origin| origin.row);
        let is_over = what == PromptChange::Cancelled || text.is_empty();
        if is_over {
            effects.push(Effect::StopFind);
        }
        let pattern = pattern(text);
        // what was accepted was searched for while it was typed
        let is_new = what == PromptChange::Edited || self.find_info().is_none();
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        match self.screens.top_mut() {
            Some(screen) if is_over => screen.end_find(from, &cx),
            None if is_over => {
                self.list.stop_find();
                self.list.go(from, &cx);
            }
            Some(screen) if is_new => screen.start_find(pattern, from, &cx, effects),
            None if is_new => self.list.find(pattern, from, &cx, effects),
            _ => {}
        }
    }

    /// `3/41` for the prompt and the status line.
    pub(super) fn find_info(&self) -> Option<String> {
        let (current, total, is_done) = if let Some(screen) = self.screens.top() {
            screen.hit_position()?
        } else {
            let (current, total) = self.list.hit_position()?;
            (current, total, true)
        };
        let more = if is_done { "" } else { "…" };
        let total = human::count(total);
        Some(match current {
            Some(current) => format!("{}/{total}{more}", human::count(current + 1)),
            None if total == "0" && is_done => "no hit".to_owned(),
            None => format!("{total}{more}"),
        })
    }
}

/// A typed text as a pattern: a regular expression, or itself where it is none; upper case matters only when there
/// is any (smart case).
fn pattern(text: &str) -> Regex {
    const SIZE_LIMIT: usize = 4 << 20;
    let is_insensitive = !text.chars().any(char::is_uppercase);
    let build = |text: &str| {
        RegexBuilder::new(text)
            .case_insensitive(is_insensitive)
            .size_limit(SIZE_LIMIT)
            .build()
    };
    let escaped = || build(&regex::escape(text));
    build(text)
        .or_else(|_| escaped())
        .unwrap_or_else(|_| never())
}

/// A pattern that matches nothing, for texts too long to search for.
fn never() -> Regex {
    #[expect(clippy::expect_used, reason = "a constant pattern that compiles")]
    Regex::new(r"[^\s\S]").expect("a constant pattern")
}
