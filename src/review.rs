//! What people decide: the journal of decisions, their state, undo, policies, queues and the reviewers' agreement.
//!
//! Every event is a line of `decisions.<reviewer>.jsonl`, appended and synced by a [`Writer`] and never changed: undo is
//! another line. A [`Ledger`] is the fold of all lines of all reviewers, keyed by the content of the records: what is
//! decided stays decided wherever the record's bytes turn up again. Blocking code without threads; knows neither screen
//! nor store, and makes no outcome without saying why.

pub mod agreement;
mod change;
mod earlier;
mod journal;
mod ledger;
mod line;
mod moment;
mod place;
mod policy;
pub mod queue;
mod reviewer;
mod scribe;
mod seeded;
mod state;

pub use change::Change;
pub use change::Choice;
pub use change::Field;
pub use change::Mask;
pub use change::Seen;
pub use earlier::Present;
pub use earlier::earlier;
pub use journal::Claim;
pub use journal::Holder;
pub use journal::Saved;
pub use journal::Writer;
pub use ledger::Ledger;
pub use ledger::Stale;
pub use ledger::Trouble;
pub use ledger::TroubleKind;
pub use line::Event;
pub use line::Line;
pub use line::Parsed;
pub use line::RecordRef;
pub use line::VERSION;
pub use moment::Moment;
pub use place::Place;
pub use place::Site;
pub use place::whole;
pub use policy::By;
pub use policy::Outcome;
pub use policy::People;
pub use policy::Policy;
pub use policy::people;
pub use reviewer::check_reviewer;
pub use reviewer::choose_reviewer;
pub use reviewer::user_name;
pub use scribe::Scribe;
pub use state::State;
