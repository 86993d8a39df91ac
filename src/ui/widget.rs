//! Parts of screens that know no view: scroll arithmetic, the window onto a page, cells, text fields, pickers.

pub mod chart;
pub mod cursor;
pub mod hits;
mod line_edit;
mod picker;
pub mod rows;
pub mod viewport;

pub use line_edit::Edited;
pub use line_edit::LineEdit;
pub use picker::Entry;
pub use picker::Picked;
pub use picker::Picker;
