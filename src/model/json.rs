//! The one JSON value type of the project and its size in memory.

/// A JSON value whose object keys keep their order and whose numbers keep their digits (`1.0` stays `1.0`).
pub use serde_json::Value;

/// Returns the bytes that `value` occupies, allocations included; an estimate, for the cache's bound.
pub fn approx_value_bytes(value: &Value) -> usize {
    const NODE: usize = size_of::<Value>();
    match value {
        Value::Null | Value::Bool(_) => NODE,
        Value::Number(number) => NODE + number.as_str().len(),
        Value::String(text) => NODE + text.len(),
        Value::Array(items) => NODE + items.iter().map(approx_value_bytes).sum::<usize>(),
        Value::Object(fields) => {
            NODE + fields
                .iter()
                .map(|(key, field)| 48 + key.len() + approx_value_bytes(field))
                .sum::<usize>()
        }
    }
}
