//! What is left of a run that an earlier one began.

use std::collections::HashMap;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Verdict;
use crate::rollout::Earlier;
use crate::rollout::Event;
use crate::rollout::Known;
use crate::rollout::Output;
use crate::rollout::Run;
use crate::rollout::plan::Seat;

impl Run<'_> {
    /// What is left to be done for each task; `None` when it was cancelled.
    pub(super) fn seats(
        &self,
        output: &Output,
        earlier: &Earlier,
        said: &mut dyn FnMut(Event),
        cancel: &Cancel,
    ) -> Result<Option<Vec<Seat>>> {
        // of an attempt that was made again the last one counts
        let mut known: HashMap<(&str, usize), &Known> = HashMap::new();
        for attempt in &earlier.attempts {
            known.insert((&attempt.id, attempt.attempt), attempt);
        }
        let mut seats = Vec::new();
        let mut made = Vec::new();
        for (at, task) in self.tasks.iter().enumerate() {
            let mut todo = Vec::new();
            for number in 1..=self.attempts {
                match known.get(&(task.id.as_str(), number)) {
                    None => todo.push(number),
                    Some(known) if known.ended.is_failure() => {
                        todo.extend(self.retry_failed.then_some(number));
                    }
                    Some(known) => made.push((at, *known)),
                }
            }
            seats.push(Seat::new(todo, 0));
        }
        if self.until.is_none() {
            return Ok(Some(seats));
        }
        let mut accepts = |(at, known): &(usize, &Known)| {
            let verdict = self.verdict(&output.line(known)?, cancel);
            Ok((*at, verdict == Some(Verdict::Accept)))
        };
        let Some(judged) = judged(&made, &mut accepts, said, cancel)? else {
            return Ok(None);
        };
        for (at, _) in judged.into_iter().filter(|(_, is_accepted)| *is_accepted) {
            if let Some(seat) = seats.get_mut(at) {
                seat.accepted += 1;
            }
        }
        Ok(Some(seats))
    }
}

/// Judges what is in the file, and tells how far that is; `None` when it was cancelled.
fn judged<T, J>(
    made: &[T],
    judge: &mut dyn FnMut(&T) -> Result<J>,
    said: &mut dyn FnMut(Event),
    cancel: &Cancel,
) -> Result<Option<Vec<J>>> {
    let mut found = Vec::with_capacity(made.len());
    for (done, one) in made.iter().enumerate() {
        let of = made.len();
        said(Event::Judging { done, of });
        found.push(judge(one)?);
        // what was judged while it was cancelled may be wrong
        if cancel.is_cancelled() {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judging_what_is_there_is_told_and_can_be_cancelled() {
        let cancel = Cancel::new();
        let mut told = Vec::new();
        let mut count = 0;
        let mut judge = |one: &usize| {
            count += 1;
            if *one == 2 {
                cancel.cancel();
            }
            Ok(*one)
        };
        let made = [1, 2, 3];
        let got = judged(&made[..1], &mut judge, &mut |_| {}, &cancel).unwrap();
        assert_eq!(got, Some(vec![1]));
        let got = judged(&made, &mut judge, &mut |event| told.push(event), &cancel).unwrap();
        assert_eq!((got, count), (None, 3));
        let at = |done| Event::Judging { done, of: 3 };
        assert_eq!(told, [at(0), at(1)]);
    }
}
