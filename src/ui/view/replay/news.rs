//! What is said of a replay while it is open: calls that begin and end, results, what the shell shows.

use crate::ui::effect::Effect;
use crate::ui::effect::ReplayAsk;
use crate::ui::event::ReplayNews;
use crate::ui::event::Replayable;
use crate::ui::view::Cx;
use crate::ui::view::panes::Focus;
use crate::ui::view::replay::Content;
use crate::ui::view::replay::Lower;
use crate::ui::view::replay::ReplayView;
use crate::ui::view::replay::outcomes::Outcomes;

impl ReplayView {
    /// Takes what is said of the replay.
    pub fn told(&mut self, news: ReplayNews, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        match news {
            ReplayNews::Opened(open) => self.opened_as(open, cx),
            ReplayNews::Refused(why) => self.content = Content::Refused(why),
            ReplayNews::Preparing(what) => self.preparing = Some(what),
            ReplayNews::Began(ix) => self.began(ix, cx),
            ReplayNews::Wrote(ix, text) if self.running == Some(ix) => self.live = text,
            ReplayNews::Wrote(..) => {}
            ReplayNews::Ended(ix, call) => {
                self.outcomes.ended(ix, call);
                self.stands = ix + 1;
                self.files.forget();
                self.edition += 1;
                self.rest();
            }
            ReplayNews::Stands(stands, _) => {
                self.stands = stands;
                self.outcomes.stand(stands);
                self.files.forget();
                self.is_busy = false;
                self.edition += 1;
                self.rest();
                if self.is_following {
                    self.go(stands.saturating_sub(1), cx);
                }
            }
            ReplayNews::Finished(result, _) => {
                self.result = Some(result);
                self.edition += 1;
                if self.is_following {
                    (self.lower, self.focus) = (Lower::Result, Focus::Page);
                }
            }
            ReplayNews::Changes(after, patch) => {
                self.changes = Some((after, patch));
                self.edition += 1;
                self.is_busy = false;
            }
            ReplayNews::Folder(folder, found) => {
                self.is_busy = false;
                self.files.listed(folder, found);
            }
            ReplayNews::File(path, text) => {
                self.is_busy = false;
                self.edition += 1;
                self.files.read(&path, text);
            }
            ReplayNews::Console(frame) => {
                self.is_busy = false;
                self.console = frame;
            }
            ReplayNews::Failed(_) => {
                self.is_busy = false;
                self.rest();
                if self.lower == Lower::Console {
                    self.lower = Lower::Both;
                }
            }
        }
        if self.lower == Lower::Console && self.console.end.is_some() {
            self.lower = Lower::Both;
            effects.push(Effect::Replay(self.opened, ReplayAsk::EndConsole));
            effects.push(Effect::Redraw);
        }
        self.fit(cx);
    }

    /// Nothing runs any more.
    fn rest(&mut self) {
        self.running = None;
        self.preparing = None;
        self.live.clear();
    }

    fn opened_as(&mut self, open: Box<Replayable>, cx: &Cx<'_>) {
        self.outcomes = Outcomes::new(&open.calls, open.earlier.as_deref());
        let wanted = self.first_step.take();
        let first = open.earlier.as_ref().and_then(|old| old.first_divergence);
        let at = wanted.map(|step| step.0).or(first);
        let at = at.and_then(|step| open.calls.iter().position(|call| call.place.step >= step));
        self.content = Content::Open(open);
        if let Some(at) = at {
            self.go(at, cx);
        }
    }

    fn began(&mut self, ix: usize, cx: &Cx<'_>) {
        self.preparing = None;
        self.running = Some(ix);
        self.outcomes.began();
        self.live.clear();
        if self.is_following {
            self.go(ix, cx);
        }
    }
}
