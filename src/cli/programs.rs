//! With what the commands run the test programs of `func_gen`: in a sandbox, unless none starts and it was allowed without.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::sandbox::Backend;
use crate::sandbox::Backends;
use crate::sandbox::Choice;
use crate::sandbox::OWN_PROGRAM;
use crate::sandbox::System;
use crate::verify::program::Programs;

/// The runner; nothing is started before it is asked to run something.
pub(super) fn programs(is_plain_allowed: bool) -> Programs {
    Programs::new(backends, is_plain_allowed)
}

/// The sandboxes to try, the best first.
fn backends() -> Vec<Arc<dyn Backend>> {
    let backends = Backends::new(Choice::Auto, OWN_PROGRAM);
    let found = backends.of(&System::Host, &Cancel::new());
    found.into_iter().map(|chosen| chosen.backend).collect()
}
