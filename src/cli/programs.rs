//! With what the commands run the test programs of `func_gen`: in a sandbox, unless none starts and it was allowed without.

use std::sync::Arc;

use crate::sandbox::Backend;
use crate::verify::program::Programs;

/// The runner; nothing is started before it is asked to run something.
pub(super) fn programs(is_plain_allowed: bool) -> Programs {
    Programs::new(backends, is_plain_allowed)
}

/// The sandboxes to try, the best first.
#[cfg(target_os = "linux")]
fn backends() -> Vec<Arc<dyn Backend>> {
    vec![Arc::new(crate::sandbox::Namespace::new())]
}

/// The sandboxes to try: none here.
#[cfg(not(target_os = "linux"))]
fn backends() -> Vec<Arc<dyn Backend>> {
    Vec::new()
}
