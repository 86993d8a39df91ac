//! Parts of screens that know no view: scroll arithmetic, the window onto a page, cells, text fields, pickers.

pub mod cursor;
pub mod rows;
pub mod viewport;
