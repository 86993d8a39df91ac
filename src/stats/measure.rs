//! The rows of the table of behaviours: what each is called and how it is read from a group. Every output goes by this
//! one table.

use crate::model::FlagKind;
use crate::stats::group::GroupBy;
use crate::stats::group::Selection;
use crate::stats::report::Group;
use crate::stats::report::Share;
use crate::text::human;

/// A value of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    /// A count.
    Count(usize),
    /// A number.
    Number(Option<f64>),
    /// A part of a whole.
    Share(Share),
}

impl Value {
    /// For people: `1,234`, `12.5`, `49.1 %`.
    pub(super) fn words(self) -> String {
        match self {
            Self::Count(count) => human::count(count),
            Self::Number(number) => number.map_or_else(|| "-".to_owned(), number_words),
            Self::Share(share) => percent(share.share),
        }
    }

    /// For programs: all digits, shares from 0 to 1, nothing for what is not known.
    pub(super) fn plain(self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
            Self::Share(share) => share
                .share
                .map(|share| share.to_string())
                .unwrap_or_default(),
        }
    }
}

/// `49.1 %`; `-` of nothing.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// `7`, `12.5`, `12k`.
pub(super) fn number_words(number: f64) -> String {
    if number >= 10_000.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, saturating"
        )]
        return human::short_count(number.round() as u64);
    }
    if number >= 1000.0 {
        return format!("{number:.0}");
    }
    let rounded = (number * 10.0).round() / 10.0;
    format!("{rounded}")
}

/// A row of the table of behaviours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// The name in CSV.
    pub name: &'static str,
    /// The words for people.
    pub words: &'static str,
    /// Its value in a group.
    pub of: fn(&Group) -> Value,
    /// The flag that it counts, where it counts one.
    pub flag: Option<FlagKind>,
}

impl Measure {
    /// The records that it counts, where they can be shown.
    pub(super) fn selection(&self) -> Option<Selection> {
        self.flag
            .map(|flag| Selection::of(GroupBy::Flag, flag.name()))
    }
}

const fn row(name: &'static str, words: &'static str, of: fn(&Group) -> Value) -> Measure {
    Measure {
        name,
        words,
        of,
        flag: None,
    }
}

macro_rules! flag {
    ($words:literal, $name:literal, $flag:ident) => {
        Measure {
            name: $name,
            words: $words,
            of: |group| Value::Share(group.flag(FlagKind::$flag)),
            flag: Some(FlagKind::$flag),
        }
    };
}

use Value::Number;
use Value::Share as Part;

/// The table of behaviours.
#[rustfmt::skip]
pub(super) const MEASURES: &[Measure] = &[
    row("records", "trajectories", |group| Value::Count(group.records)),
    row("median_actions", "median actions", |group| Number(group.behaviour.median_actions)),
    row("median_steps", "median steps", |group| Number(group.behaviour.median_steps)),
    row("reasoning", "reasoning, of actions", |group| Part(group.behaviour.components.reasoning)),
    row("exploration", "exploration", |group| Part(group.behaviour.components.exploration)),
    row("implementation", "implementation", |group| Part(group.behaviour.components.implementation)),
    row("verification", "verification", |group| Part(group.behaviour.components.verification)),
    row("execution", "execution", |group| Part(group.behaviour.components.execution)),
    row("code_steps", "steps that run code", |group| Part(group.behaviour.code_steps)),
    row("test_steps", "steps that run tests", |group| Part(group.behaviour.test_steps)),
    row("failed_actions", "actions that fail", |group| Part(group.behaviour.failed_actions)),
    row("runs_before_first_edit", "runs before first edit (mean)", |group| Number(group.behaviour.runs_before_first_edit)),
    row("runs_after_last_edit", "runs after last edit (mean)", |group| Number(group.behaviour.runs_after_last_edit)),
    row("fail_edit_pass", "fail → edit → pass", |group| Part(group.behaviour.fail_edit_pass)),
    row("right_file_wrong_fix", "right file, wrong fix", |group| Part(group.behaviour.right_file_wrong_fix)),
    row("wrong_file", "wrong file", |group| Part(group.behaviour.wrong_file)),
    flag!("no source edit", "no_source_edit", NoSourceEdit),
    flag!("broken environment", "broken_environment", BrokenEnvironment),
    flag!("failed edit told as done", "failed_edit_claimed", FailedEditClaimed),
    flag!("loops", "loop", Loop),
    flag!("fake verification", "fake_verification", FakeVerification),
    flag!("finish without verification", "unverified", Unverified),
    flag!("untouched after failure", "untouched_after_failure", UntouchedAfterFailure),
    flag!("edit taken back", "edit_revert", EditRevert),
    flag!("edits tests or graders", "test_edit", TestEdit),
    flag!("leaks", "leak", Leak),
    flag!("prompt leaks", "prompt_leak", PromptLeak),
    flag!("truncated", "truncated", Truncated),
    flag!("installs packages", "package_install", PackageInstall),
    flag!("secrets", "secret", Secret),
    flag!("prompt injection", "prompt_injection", PromptInjection),
    flag!("same patch as another", "same_patch", SamePatch),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_a_row() {
        for flag in FlagKind::ALL {
            let row = MEASURES.iter().find(|row| row.flag == Some(flag)).unwrap();
            assert_eq!(row.name, flag.name());
        }
    }

    #[test]
    fn numbers_for_people() {
        for (number, want) in [
            (7.0, "7"),
            (12.56, "12.6"),
            (5751.3, "5751"),
            (0.04, "0"),
            (12_345.6, "12k"),
            (1e300, "18447P"),
        ] {
            assert_eq!(number_words(number), want);
        }
        assert_eq!(percent(Some(0.4911)), "49.1 %");
        assert_eq!(percent(None), "-");
    }
}
