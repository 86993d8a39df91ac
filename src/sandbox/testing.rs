//! Stand-ins for a sandbox in unit tests: nothing is walled off here.

pub(crate) mod folder;
pub(crate) mod plain;
pub(crate) mod terminal;
