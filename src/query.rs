//! Finding one's way among many records: sort keys and fuzzy narrowing, the same for the screen and the commands.

pub mod fuzzy;
pub mod sort;
