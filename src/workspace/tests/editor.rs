//! Random edits of a model of an editor.
