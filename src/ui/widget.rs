//! Small parts that know no view: a line editor and a fuzzy picker.

mod line_edit;
mod picker;

pub use line_edit::Edited;
pub use line_edit::LineEdit;
pub use picker::Picker;
