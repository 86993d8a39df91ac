//! Waiting between tries.

use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;

/// The longest that a cancelled wait goes on.
pub(in crate::endpoint) const LOOK: Duration = Duration::from_millis(50);
/// The first wait, before chance shortens it; each next one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// No wait is longer, but where the endpoint asks for it.
const LONGEST: Duration = Duration::from_mins(1);

/// How a client waits.
pub trait Pause: Send + Sync {
    /// Waits so long, or until it is cancelled.
    fn pause(&self, time: Duration, cancel: &Cancel);

    /// A number from 0 to below 1, another one each time: clients that failed together shall not come back together.
    fn chance(&self) -> f64;
}

/// Waits by the clock.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::endpoint) struct Real;

impl Pause for Real {
    fn pause(&self, time: Duration, cancel: &Cancel) {
        let begin = Instant::now();
        while !cancel.is_cancelled() {
            let Some(left) = time
                .checked_sub(begin.elapsed())
                .filter(|left| !left.is_zero())
            else {
                break;
            };
            thread::sleep(left.min(LOOK));
        }
    }

    fn chance(&self) -> f64 {
        // each of these hashers has keys of its own
        let bits = RandomState::new().hash_one(0_u8) >> 32;
        #[expect(clippy::cast_precision_loss, reason = "of 32 bits none is lost")]
        let chance = bits as f64 / (1_u64 << 32) as f64;
        chance
    }
}

/// How long to wait after so many tries: between half and the whole of a time that doubles.
pub(in crate::endpoint) fn back_off(tries: u32, chance: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32 << tries.saturating_sub(1).min(16));
    doubled.min(LONGEST).mul_f64(0.5 + chance / 2.0)
}
