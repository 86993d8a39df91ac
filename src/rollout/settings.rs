//! What attempts were made with, as their rows keep it: attempts under other settings are not to be compared.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::model::ContentHash;
use crate::model::Trajectory;
use crate::rollout::Agent;
use crate::rollout::CallForm;
use crate::rollout::Earlier;
use crate::rollout::Prompts;

/// What a run makes its attempts with: by the names of the options, texts by their hashes. The model is not among them:
/// an output holds attempts of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(Map<String, Value>);

/// An option that earlier attempts were made with another value of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The option, as it is typed.
    pub option: String,
    /// Its values then, and now; `None` for texts, of which only hashes are known.
    pub values: Option<(String, String)>,
}

/// What hashes begin with.
const HASH: &str = "sha256:";

fn hash(text: &str) -> Value {
    json!(format!("{HASH}{}", ContentHash::of(text.as_bytes())))
}

impl Settings {
    pub(super) fn of(agent: &Agent<'_>, prompts: &Prompts) -> Self {
        let limits = &agent.limits;
        let mut all = agent.sampling.clone();
        // what bounds one answer has this name in requests, what bounds an attempt among the options
        if let Some(tokens) = all.remove("max_tokens") {
            all.insert("answer_tokens".to_owned(), tokens);
        }
        let how = match &agent.form {
            CallForm::Native => Value::Null,
            CallForm::Text(how) => hash(how),
        };
        let own = [
            ("text_calls", json!(agent.form != CallForm::Native)),
            ("tool_prompt", how),
            ("system_prompt", hash(prompts.system())),
            ("template", hash(prompts.tasks.source())),
            ("max_steps", json!(limits.steps)),
            ("max_tokens", json!(limits.tokens)),
            ("max_attempt_cost", json!(limits.cost)),
            ("max_time", json!(limits.time.as_secs_f64())),
            ("timeout", json!(limits.call.as_secs_f64())),
        ];
        all.extend(own.map(|(name, value)| (name.to_owned(), value)));
        all.retain(|_, value| !value.is_null());
        Self(all)
    }

    /// Of what a row keeps; `None` where it keeps none.
    pub(super) fn read(value: Value) -> Option<Self> {
        match value {
            Value::Object(all) => Some(Self(all)),
            _ => None,
        }
    }

    /// As rows keep it.
    pub(super) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// The options in which earlier attempts differ, each with each of its values.
    pub fn differences(&self, earlier: &Earlier) -> Vec<Other> {
        let mut found = BTreeSet::new();
        for other in &earlier.settings {
            let names: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
            for name in names {
                let (then, now) = (other.0.get(name), self.0.get(name));
                if then != now {
                    found.insert((name.clone(), told(then), told(now)));
                }
            }
        }
        let other = |(name, then, now): (String, Option<String>, Option<String>)| Other {
            option: format!("--{}", name.replace('_', "-")),
            values: then.zip(now),
        };
        found.into_iter().map(other).collect()
    }
}

/// A value in words; `None` for a hash.
fn told(value: Option<&Value>) -> Option<String> {
    match value {
        None => Some("none".to_owned()),
        Some(Value::String(text)) if text.starts_with(HASH) => None,
        Some(value) => Some(value.to_string()),
    }
}

/// What tells whether a task is still what it was.
pub(super) fn task_hash(task: &Trajectory) -> String {
    let instance = task.task.as_ref().and_then(|task| task.instance.as_ref());
    let text = instance.map(ToString::to_string).unwrap_or_default();
    ContentHash::of(text.as_bytes()).to_string()
}

/// The tasks of which earlier attempts saw another instance, in order.
pub(super) fn changed_tasks<'a>(
    tasks: impl Iterator<Item = &'a Trajectory>,
    earlier: &'a Earlier,
) -> Vec<&'a str> {
    let mut met: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for known in &earlier.attempts {
        if let Some(hash) = &known.task_hash {
            met.entry(&known.id).or_default().insert(hash);
        }
    }
    tasks
        .filter(|task| {
            let hash = task_hash(task);
            let hashes = met.get(task.id.as_str());
            hashes.is_some_and(|hashes| hashes.iter().any(|one| *one != hash))
        })
        .map(|task| task.id.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(value: Value) -> Settings {
        Settings::read(value).unwrap()
    }

    #[test]
    fn what_differs_is_told_once() {
        let earlier = Earlier {
            settings: vec![
                settings(json!({"max_steps": 30, "template": "sha256:a", "temperature": 0.5})),
                settings(json!({"max_steps": 40, "template": "sha256:b"})),
            ],
            ..Earlier::default()
        };
        let now = settings(json!({"max_steps": 40, "template": "sha256:b"}));
        let other = |option: &str, values: Option<(&str, &str)>| Other {
            option: option.to_owned(),
            values: values.map(|(then, now)| (then.to_owned(), now.to_owned())),
        };
        assert_eq!(
            now.differences(&earlier),
            [
                other("--max-steps", Some(("30", "40"))),
                other("--temperature", Some(("0.5", "none"))),
                other("--template", None),
            ]
        );
        assert_eq!(now.differences(&Earlier::default()), []);
    }
}
