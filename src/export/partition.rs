//! By what a data set of many files is divided, and how the folders of its partitions are called: `key=value/`, the values
//! escaped as Hive does, so that Spark, `DuckDB`, Ray Data and others read them as columns.

use std::fmt::Write as _;

use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Format;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::shard::Shard;

/// How folders are called of what does not say.
const NOTHING: &str = "__HIVE_DEFAULT_PARTITION__";
/// Bytes that the name of a folder may have; file systems take 255.
const LONGEST: usize = 240;

/// By what a data set is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionBy {
    /// The model.
    Model,
    /// The task's repository.
    Repo,
    /// What the task asks for.
    TaskType,
    /// The producer family.
    Format,
    /// Whether the attempt solved its task.
    Resolved,
    /// The effective outcome: accepted, or open and kept all the same.
    Outcome,
    /// The part of the split.
    Split,
    /// So many shares, by the records' ids.
    Shard(u64),
}

impl PartitionBy {
    /// Reads `model,outcome` or `shard=16`.
    ///
    /// # Errors
    /// *user* when a key is none or comes twice.
    pub fn parse_all(text: &str) -> Result<Vec<Self>> {
        let wrong = |why: String| {
            Error::user(format!("--partition {text}: {why}")).hint(
                "keys are model, repo, task_type, format, resolved, outcome, split and shard=N",
            )
        };
        let mut keys: Vec<Self> = Vec::new();
        for word in text.split(',') {
            let key = match word.trim() {
                "model" => Self::Model,
                "repo" => Self::Repo,
                "task_type" => Self::TaskType,
                "format" => Self::Format,
                "resolved" => Self::Resolved,
                "outcome" => Self::Outcome,
                "split" => Self::Split,
                other => {
                    let whole = other.strip_prefix("shard=");
                    let count = whole.and_then(|count| format!("0/{count}").parse::<Shard>().ok());
                    let count = count.ok_or_else(|| wrong(format!("{other:?} is no key")))?;
                    Self::Shard(count.of)
                }
            };
            if keys.iter().any(|known| known.name() == key.name()) {
                return Err(wrong(format!("{} comes twice", key.name())));
            }
            keys.push(key);
        }
        Ok(keys)
    }

    /// The name of the column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Repo => "repo",
            Self::TaskType => "task_type",
            Self::Format => "format",
            Self::Resolved => "resolved",
            Self::Outcome => "outcome",
            Self::Split => "split",
            Self::Shard(_) => "shard",
        }
    }

    /// The key as it was asked for.
    pub fn word(self) -> String {
        match self {
            Self::Shard(count) => format!("shard={count}"),
            other => other.name().to_owned(),
        }
    }

    fn value(self, of: &Divided<'_>) -> Option<String> {
        let trajectory = of.trajectory;
        let task = trajectory.task.as_ref();
        match self {
            Self::Model => trajectory.model.clone(),
            Self::Repo => task.and_then(|task| task.repo.clone()),
            Self::TaskType => task.map(|task| TaskKind::name(task.kind).to_owned()),
            Self::Format => trajectory
                .source
                .format
                .map(|format| Format::name(format).to_owned()),
            Self::Resolved => trajectory.outcome.resolved.map(|is| is.to_string()),
            Self::Outcome => Some(of.outcome.name().to_owned()),
            Self::Split => of.split.map(str::to_owned),
            Self::Shard(count) => Some(Shard::place(&trajectory.id, count).to_string()),
        }
    }
}

/// What tells the partition of a record.
pub(super) struct Divided<'a> {
    pub(super) trajectory: &'a Trajectory,
    pub(super) outcome: Verdict,
    pub(super) split: Option<&'a str>,
}

/// The folder of a record below that of the data set, without a slash at its end; empty where nothing divides it.
pub(super) fn folder(keys: &[PartitionBy], of: &Divided<'_>) -> String {
    let names = keys.iter().map(|key| {
        let value = key.value(of);
        format!("{}={}", key.name(), escape(value.as_deref()))
    });
    names.collect::<Vec<String>>().join("/")
}

/// A value as part of a folder's name.
fn escape(value: Option<&str>) -> String {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return NOTHING.to_owned();
    };
    let mut name = String::with_capacity(value.len());
    for c in value.chars() {
        // those of Hive, and the byte that no name may have
        let is_special = c.is_ascii_control() || "\"#%'*/:=?\\{[]^".contains(c);
        if is_special {
            // writing to a text cannot fail
            let _written = write!(name, "%{:02X}", u32::from(c));
        } else {
            name.push(c);
        }
    }
    if name == NOTHING {
        // a value that only looks like none
        return name.replacen('_', "%5F", 1);
    }
    if name.len() <= LONGEST {
        return name;
    }
    let hash = ContentHash::of(value.as_bytes()).to_string();
    let tail = hash.get(..16).unwrap_or_default();
    let mut end = LONGEST - tail.len() - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    // no half of an escape
    let start = name.get(..end).unwrap_or_default();
    let cut = start.rfind('%').filter(|at| at + 3 > end).unwrap_or(end);
    format!("{}~{tail}", start.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, want: &str) {
        assert_eq!(escape(Some(value)), want);
    }

    #[test]
    fn values_are_escaped_as_hive_does() {
        check("gpt-4o 2024", "gpt-4o 2024");
        check("openai/gpt:x", "openai%2Fgpt%3Ax");
        check("100%", "100%25");
        check("a=b\"c'd\\e", "a%3Db%22c%27d%5Ce");
        check("..", "..");
        check("../../etc", "..%2F..%2Fetc");
        check("\0\n\u{7f}\u{1b}[31m", "%00%0A%7F%1B%5B31m");
        check("漢字 é", "漢字 é");
        check("", NOTHING);
        assert_eq!(escape(None), NOTHING);
        check(NOTHING, "%5F_HIVE_DEFAULT_PARTITION__");
    }

    #[test]
    fn long_values_have_names_all_the_same() {
        for text in ["x", "漢", "/", "a/漢"] {
            for more in 0..7 {
                let value = "y".repeat(more) + &text.repeat(400);
                let name = escape(Some(&value));
                assert!(name.len() <= LONGEST, "{name}");
                assert_ne!(name, escape(Some(&(value + "z"))));
                let (start, _) = name.split_once('~').unwrap();
                let is_whole = |at: usize| start.get(at..at + 3) == Some("%2F");
                assert!(
                    start.match_indices('%').all(|(at, _)| is_whole(at)),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn keys_by_their_names() {
        let names = |text: &str| -> Result<Vec<String>, String> {
            let keys = PartitionBy::parse_all(text).map_err(|error| error.to_string())?;
            Ok(keys.into_iter().map(PartitionBy::word).collect())
        };
        assert_eq!(
            names("model, outcome,shard=16").unwrap().join(" "),
            "model outcome shard=16"
        );
        for wrong in [
            "",
            "model,model",
            "shard",
            "shard=0",
            "shard=x",
            "shard=1,shard=2",
            "path",
        ] {
            assert!(
                names(wrong).unwrap_err().starts_with("--partition"),
                "{wrong}"
            );
        }
    }
}
