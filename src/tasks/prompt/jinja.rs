//! What all templates have in common: how blocks are trimmed, and how values of JSON look to them.

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;

use crate::model::Value;

/// An environment without templates in which lines that hold nothing but a block leave nothing behind.
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    if let Ok(syntax) = syntax {
        environment.set_syntax(syntax);
    }
    environment
}

/// A value of JSON as templates know values; numbers that no machine holds are text.
pub fn to_template(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(truth) => minijinja::Value::from(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => minijinja::Value::from(number),
            (None, Some(number), _) => minijinja::Value::from(number),
            (None, None, Some(number)) => minijinja::Value::from(number),
            (None, None, None) => minijinja::Value::from(number.as_str()),
        },
        Value::String(text) => minijinja::Value::from(text.as_str()),
        Value::Array(items) => {
            minijinja::Value::from(items.iter().map(to_template).collect::<Vec<_>>())
        }
        Value::Object(fields) => minijinja::Value::from_pairs(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), to_template(value))),
        ),
    }
}
