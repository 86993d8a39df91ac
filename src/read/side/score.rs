//! Rows of a score file: what a reward model, or anybody else, thinks a record is worth.
//!
//! `{"score": 0.7}` and whose it is: `sha256` of the record, `instance_id`, or `id`; other fields are let be. Nothing but
//! asking for such a file tells it from any other list of numbers, so that none is ever recognised by its content.

use crate::model::ContentHash;
use crate::model::Value;
use crate::read::common;
use crate::read::json;

/// Whose score a row tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScoreOf {
    /// That of the record with this content.
    Content(ContentHash),
    /// That of the task, or the record, with this id.
    Id(String),
}

/// Reads a line of a score file; scores are finite.
///
/// # Errors
/// What is wrong with it, in words.
pub fn score_row(line: &[u8]) -> Result<(ScoreOf, f64), String> {
    let row = json::parse_lenient(line, 0, &mut Vec::new()).map_err(|fault| fault.to_string())?;
    let score = common::f64_at(&row, "score").ok_or("there is no `score`")?;
    let field = |key: &str| row.get(key).filter(|field| !field.is_null());
    if let Some(hex) = field("sha256") {
        let hash = hex.as_str().and_then(ContentHash::from_hex);
        let hash = hash.ok_or("`sha256` is no hash")?;
        return Ok((ScoreOf::Content(hash), score));
    }
    match field("instance_id").or_else(|| field("id")) {
        Some(Value::String(id)) => Ok((ScoreOf::Id(id.clone()), score)),
        Some(Value::Number(id)) => Ok((ScoreOf::Id(id.to_string()), score)),
        _ => Err("the line does not say whose score it is".to_owned()),
    }
}
