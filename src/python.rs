//! Python source as the filter needs it: what is code, what is documentation, what is defined where.
//!
//! Own tokens ([`Source`]) serve whole files and pieces of files alike: they stand unbalanced brackets, unfinished
//! strings, Python 2 and plain nonsense. Ruff's parser decides where the trees of whole texts are asked for ([`tree`]),
//! and reads those of whole repositories ([`repo`]). Pure; recursion is bounded whatever the text holds. Knows nothing of
//! patches or tasks.

mod compare;
pub mod definitions;
mod encoding;
mod lex;
mod literal;
mod logical;
mod outline;
mod plausible;
pub mod repo;
pub mod scope;
pub mod tree;

pub use compare::{Difference, compare};
pub use encoding::declared_encoding;
pub(crate) use encoding::is_same_encoding;
pub use lex::{Begin, End, Quote, Token, TokenKind};
pub use literal::{has_word, literal_value};
pub use logical::{Comment, DocStatus, Place, Source, string_edges};
pub use outline::{
    Definition, DefinitionKind, Docstring, Documented, documented_at_start, innermost_ix, outline,
};
pub use plausible::{is_surely_code, reads_as_code, shows_code};
