//! Blind mode as far as it is about many records: no order, query, queue or table may tell of a record what is hidden
//! until one has decided. What would is refused as long as the mode is on, for all records: those already decided would
//! tell of the others which are missing.

use crate::config::QueueBase;
use crate::review::queue::Queue;
use crate::select::Selector;
use crate::ui::app::App;
use crate::ui::app::context;
use crate::ui::data::Arrangement;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;

/// A queue that is refused, and why.
pub(super) const THIS_QUEUE: &str = "this queue tells verdicts and";

impl App {
    /// Hides verdicts, or shows them again. What arranged the list or the statistics by them is left then.
    pub(super) fn toggle_blind(&mut self, effects: &mut Vec<Effect>) {
        let is_blind = self.data.desk.toggle_blind();
        self.list.rows_changed();
        if !is_blind {
            let text = "verdicts are shown".to_owned();
            return self.status.pass(Tone::Info, text);
        }
        let mut text = "verdicts are hidden until you have decided".to_owned();
        let how = self.list.how().clone();
        let mut left = how.clone();
        while self.hidden_in(&left).is_some() {
            left = self.without_hidden(left);
        }
        if left != how {
            text.push_str("; the list is no longer arranged by them");
            let cx = context(&self.data, &self.paint, &self.habits, self.screen);
            self.list.arrange(left, &cx, effects);
        }
        self.group_stats_blind(effects);
        self.status.pass(Tone::Info, text);
    }

    /// Arranges the list, unless that would tell what is hidden: then it says so.
    pub(super) fn arrange_unless_hidden(&mut self, how: Arrangement, effects: &mut Vec<Effect>) {
        if let Some(what) = self.hidden_in(&how) {
            return self.refuse_hidden(&what);
        }
        let cx = context(&self.data, &self.paint, &self.habits, self.screen);
        self.list.arrange(how, &cx, effects);
    }

    /// Says that something is hidden.
    pub(super) fn refuse_hidden(&mut self, what: &str) {
        let text = format!("{what} is hidden while blind (B shows it)");
        self.status.pass(Tone::Info, text);
    }

    /// What of an arrangement tells what is hidden; `None` where nothing does.
    pub(super) fn hidden_in(&self, how: &Arrangement) -> Option<String> {
        if !self.data.desk.is_blind() {
            return None;
        }
        if how.key.tells_verdicts() {
            return Some(format!("the order by {}", how.key.name()));
        }
        if let Some(field) = how.filter.as_deref().and_then(|query| self.asked(query)) {
            return Some(format!("`{field}`"));
        }
        if how
            .queue
            .as_ref()
            .is_some_and(|queue| self.is_hidden(queue))
        {
            return Some(THIS_QUEUE.to_owned());
        }
        let picked = how.picked.as_ref();
        picked
            .filter(|picked| picked.tells_verdicts)
            .map(|picked| format!("the list of {}", picked.words))
    }

    /// Whether which records a queue has, or in which order, tells what is hidden.
    pub(super) fn is_hidden(&self, queue: &Queue) -> bool {
        let tells = matches!(
            queue.base,
            QueueBase::FiltersDisagree
                | QueueBase::FilterPerson
                | QueueBase::Disputes
                | QueueBase::BestOfN
                // half accepts and half rejects: who knows what it lacks knows verdicts
                | QueueBase::Audit
        );
        let query = queue.query.as_deref();
        let query = query.and_then(|query| Selector::parse(query).ok());
        let asks = query.is_some_and(|query| self.asked(&query).is_some());
        self.data.desk.is_blind() && (tells || asks)
    }

    /// The arrangement without the first thing that tells what is hidden.
    fn without_hidden(&self, how: Arrangement) -> Arrangement {
        let plain = Arrangement::default();
        if how.key.tells_verdicts() {
            return Arrangement {
                key: plain.key,
                is_descending: plain.is_descending,
                ..how
            };
        }
        let filter = how.filter.clone();
        let queue = how.queue.clone();
        Arrangement {
            filter: filter.filter(|query| self.asked(query).is_none()),
            queue: queue.filter(|queue| !self.is_hidden(queue)),
            picked: how.picked.clone().filter(|picked| !picked.tells_verdicts),
            ..how
        }
    }

    /// The first thing that a query asks for and that is hidden.
    fn asked(&self, query: &Selector) -> Option<String> {
        query.hidden(self.data.desk.reviewer())
    }
}
