//! Which attempt is made next: tasks in their order, the attempts of each in theirs, and no more than are wanted.

use std::collections::VecDeque;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::cancel::Cancel;

/// How long those wait who have nothing to do before they look whether it was cancelled.
const GLANCE: Duration = Duration::from_millis(100);

/// What is to be done for one task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seat {
    /// The attempts that are not made yet, by number.
    pub(super) todo: VecDeque<usize>,
    /// Attempts that the filter accepted.
    pub(super) accepted: usize,
    /// Attempts that are being made.
    flying: usize,
}

impl Seat {
    /// With these attempts to make, and so many accepted already.
    pub(super) fn new(todo: impl IntoIterator<Item = usize>, accepted: usize) -> Self {
        Self {
            todo: todo.into_iter().collect(),
            accepted,
            flying: 0,
        }
    }
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Plan {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    seats: Vec<Seat>,
    /// How many accepted attempts of a task are enough.
    until: Option<usize>,
    /// No seat before this one has anything to do.
    first: usize,
    /// No more attempts are wanted.
    is_over: bool,
}

/// An attempt that is being made; dropped, it has ended without being accepted, so that nobody waits for one whose worker
/// panicked.
#[derive(Debug)]
pub(super) struct Flight<'a> {
    plan: &'a Plan,
    /// The task's place among all.
    pub(super) task: usize,
    /// Which attempt of it.
    pub(super) number: usize,
}

impl Flight<'_> {
    /// It has ended, and the filter accepted it.
    pub(super) fn accepted(self) {
        self.plan.ended(self.task, true);
        std::mem::forget(self);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.plan.ended(self.task, false);
    }
}

/// What there is to do.
enum Next {
    Attempt { task: usize, number: usize },
    Wait,
    Nothing,
}

impl Plan {
    /// Of what is to be done for each task.
    pub(super) fn new(seats: Vec<Seat>, until: Option<usize>) -> Self {
        let state = State {
            seats,
            until,
            first: 0,
            is_over: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// The next attempt; waits where that depends on attempts that are being made. `None` when all is done, when no more
    /// are wanted, or when it was cancelled.
    pub(super) fn next(&self, cancel: &Cancel) -> Option<Flight<'_>> {
        let mut state = self.state();
        loop {
            if cancel.is_cancelled() || state.is_over {
                return None;
            }
            match state.next() {
                Next::Attempt { task, number } => {
                    return Some(Flight {
                        plan: self,
                        task,
                        number,
                    });
                }
                Next::Nothing => return None,
                Next::Wait => {
                    let waited = self.changed.wait_timeout(state, GLANCE);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// No more attempts are wanted; those that are being made may end. Whether there are any but the one whose end this is.
    pub(super) fn stop(&self) -> bool {
        let mut state = self.state();
        state.is_over = true;
        self.changed.notify_all();
        state.seats.iter().map(|seat| seat.flying).sum::<usize>() > 1
    }

    /// How many attempts may still be made.
    pub(super) fn left(&self) -> usize {
        let state = self.state();
        let open = state.seats.iter().filter(|seat| !state.has_enough(seat));
        open.map(|seat| seat.todo.len()).sum()
    }

    /// How many tasks have enough accepted attempts.
    pub(super) fn enough(&self) -> usize {
        let state = self.state();
        let done = state.seats.iter().filter(|seat| state.has_enough(seat));
        done.count()
    }

    /// An attempt of a task has ended.
    fn ended(&self, task: usize, is_accepted: bool) {
        let mut state = self.state();
        if let Some(seat) = state.seats.get_mut(task) {
            seat.flying = seat.flying.saturating_sub(1);
            seat.accepted += usize::from(is_accepted);
        }
        self.changed.notify_all();
    }

    /// Nothing more is to be done for a task; how many attempts were left.
    pub(super) fn give_up(&self, task: usize) -> usize {
        let mut state = self.state();
        let left = state
            .seats
            .get_mut(task)
            .map(|seat| std::mem::take(&mut seat.todo).len());
        left.unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_enough(&self, seat: &Seat) -> bool {
        self.until.is_some_and(|until| seat.accepted >= until)
    }

    fn next(&mut self) -> Next {
        let until = self.until.unwrap_or(usize::MAX);
        let is_done = |seat: &Seat| seat.todo.is_empty() || seat.accepted >= until;
        while self.seats.get(self.first).is_some_and(is_done) {
            self.first += 1;
        }
        let mut waits = false;
        for (task, seat) in self.seats.iter_mut().enumerate().skip(self.first) {
            if is_done(seat) {
                continue;
            }
            if seat.accepted + seat.flying >= until {
                waits = true;
                continue;
            }
            if let Some(number) = seat.todo.pop_front() {
                seat.flying += 1;
                return Next::Attempt { task, number };
            }
        }
        if waits { Next::Wait } else { Next::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flight: &Flight<'_>) -> (usize, usize) {
        (flight.task, flight.number)
    }

    fn all(plan: &Plan, mut accepts: impl FnMut(usize, usize) -> bool) -> Vec<(usize, usize)> {
        let cancel = Cancel::new();
        let mut made = Vec::new();
        while let Some(flight) = plan.next(&cancel) {
            let (task, number) = (flight.task, flight.number);
            made.push((task, number));
            if accepts(task, number) {
                flight.accepted();
            }
        }
        made
    }

    #[test]
    fn attempts_are_made_in_order_until_enough_were_accepted() {
        let seats = || {
            vec![
                Seat::new([1, 2, 3], 0),
                Seat::new([2], 0),
                Seat::new([], 0),
                Seat::new([3], 1),
            ]
        };
        let every = all(&Plan::new(seats(), None), |_, _| true);
        assert_eq!(every, [(0, 1), (0, 2), (0, 3), (1, 2), (3, 3)]);
        let some = all(&Plan::new(seats(), Some(1)), |_, number| number == 2);
        assert_eq!(some, [(0, 1), (0, 2), (1, 2)]);
        let plan = Plan::new(seats(), None);
        let flight = plan.next(&Cancel::new()).unwrap();
        assert_eq!(of(&flight), (0, 1));
        assert_eq!(plan.give_up(0), 2);
        assert_eq!(all(&plan, |_, _| true), [(1, 2), (3, 3)]);
    }

    #[test]
    fn tasks_with_enough_have_nothing_left() {
        let seats = || vec![Seat::new([2, 3], 1), Seat::new([1, 2, 3], 0)];
        let all = Plan::new(seats(), None);
        assert_eq!((all.left(), all.enough()), (5, 0));
        let some = Plan::new(seats(), Some(1));
        assert_eq!((some.left(), some.enough()), (3, 1));
        some.next(&Cancel::new()).unwrap().accepted();
        assert_eq!((some.left(), some.enough()), (0, 2));
    }

    #[test]
    fn no_more_attempts_fly_than_are_wanted() {
        let cancel = Cancel::new();
        let plan = Plan::new(vec![Seat::new([1, 2], 0), Seat::new([1], 0)], Some(1));
        let first = plan.next(&cancel).unwrap();
        let second = plan.next(&cancel).unwrap();
        assert_eq!((of(&first), of(&second)), ((0, 1), (1, 1)));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| plan.next(&cancel).map(|flight| of(&flight)));
            drop(first);
            assert_eq!(waits.join().unwrap(), Some((0, 2)));
        });
        let stopped = Cancel::new();
        stopped.cancel();
        assert!(plan.next(&stopped).is_none());
    }

    #[test]
    fn a_worker_that_panics_leaves_no_seat_taken() {
        let cancel = Cancel::new();
        let plan = Plan::new(vec![Seat::new([1, 2], 0)], Some(1));
        std::thread::scope(|scope| {
            let panics = scope.spawn(|| {
                let _flight = plan.next(&cancel).unwrap();
                panic!("as a worker may");
            });
            assert!(panics.join().is_err());
        });
        assert_eq!(all(&plan, |_, _| false), [(0, 2)]);
    }

    #[test]
    fn a_plan_that_is_stopped_hands_out_nothing_more() {
        let cancel = Cancel::new();
        let plan = Plan::new(vec![Seat::new([1, 2, 3], 0)], None);
        let flight = plan.next(&cancel).unwrap();
        let other = plan.next(&cancel).unwrap();
        assert!(plan.stop(), "another is under way");
        assert!(plan.next(&cancel).is_none());
        flight.accepted();
        assert!(!plan.stop());
        drop(other);
    }
}
