//! Facts on disk: what one machine of many found out, a line a record, and all of it together again.
//!
//! A line says exactly what the facts say: numbers come back as the same bits. Statistics over the facts of all shares are
//! those over all records then, whatever they are grouped by.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::behave::table::Aim;
use crate::error::Result;
use crate::model::Component;
use crate::model::ContentHash;
use crate::model::FlagKind;
use crate::model::Format;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Verdict;
use crate::shard;
use crate::shard::Found;
use crate::shard::Kind;
use crate::shard::Read;
use crate::stats::Collected;
use crate::stats::Facts;
use crate::stats::facts::Amounts;
use crate::stats::facts::Conduct;
use crate::stats::facts::Judged;
use crate::stats::facts::Names;
use crate::stats::facts::Said;
use crate::stats::facts::Subject;

/// The shares of `stats`.
pub const SHARES: Kind = Kind {
    stem: "stats",
    command: "stats",
};

/// Letters of the components in courses, in the order of [`Component::ALL`].
const LETTERS: [char; Component::ALL.len()] = ['r', 'e', 'i', 'v', 'x'];
/// Responses that a course may have; a line that claims more is none.
const LONGEST_COURSE: usize = 1 << 26;

/// What was asked for when a share was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartialAsked {
    /// The version of hgview.
    pub version: String,
    /// The files and folders.
    pub paths: Vec<String>,
    /// The query of `--where`.
    pub query: Option<String>,
    /// How verdicts and decisions make the outcome.
    pub policy: String,
    /// Which verdict counts.
    pub filter: String,
    /// The file of tasks.
    pub tasks: Option<String>,
    /// What people had decided: the hash of their journals; null without any.
    pub decisions: Option<ContentHash>,
    /// Flags that were not counted.
    pub flags_off: Vec<FlagKind>,
}

/// A line of a share: what statistics keep of a record. What it does not say is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartialLine {
    /// The record's place among all inputs, from 1.
    nth: u64,
    /// What is known of it; left out where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    facts: Option<Kept>,
}

/// The facts of a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Kept {
    /// The task's repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<Text>,
    /// The task's instance id.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<Text>,
    /// What the task asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<TaskKind>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Text>,
    /// The producer family.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    /// The file or folder.
    path: Text,
    /// The final patch's content.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<ContentHash>,
    /// Whether it solved its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<bool>,
    /// What the published rules say.
    published: Verdict,
    /// What the strict rules say.
    strict: Verdict,
    /// What people say.
    people: Said,
    /// The effective answer.
    outcome: Verdict,
    /// Model responses.
    steps: usize,
    /// Calls.
    actions: usize,
    /// Calls that failed.
    failed_actions: usize,
    /// Tokens in and out.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    /// US dollars.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "exactly")]
    cost: Option<f64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "exactly")]
    duration_s: Option<f64>,
    /// Lines that the final patch adds or removes.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_lines: Option<usize>,
    /// The components of the model responses, in order: `e6iv2` is six of exploration, one of implementation, two of
    /// verification; `r` is reasoning, `x` execution.
    course: String,
    /// Calls by component: reasoning, exploration, implementation, verification, execution.
    by_component: [usize; Component::ALL.len()],
    /// Steps that run code.
    code_steps: usize,
    /// Steps that run a test program.
    test_steps: usize,
    /// Runs before the first edit of a source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs_before: Option<usize>,
    /// Runs after the last edit of a source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs_after: Option<usize>,
    /// A check failed, source was edited, and a check passed.
    is_mended: bool,
    /// How the change lies to the known answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    aim: Option<Aim>,
    /// What was observed, but for what only all records together tell.
    flags: Vec<FlagKind>,
}

/// A number as its digits say: what reads JSON may round it otherwise.
fn exactly<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let digits = Option::<serde_json::Number>::deserialize(deserializer)?;
    let parse = |digits: serde_json::Number| digits.to_string().parse();
    digits
        .map(parse)
        .transpose()
        .map_err(serde::de::Error::custom)
}

impl PartialLine {
    /// The line of a record; without facts one that could not be read.
    pub fn new(nth: usize, facts: Option<&Facts>) -> Self {
        Self {
            nth: nth as u64,
            facts: facts.map(Kept::of),
        }
    }

    /// What it says; `Err` where it says what cannot be.
    fn into_facts(self) -> Result<Option<Facts>, String> {
        let place = usize::try_from(self.nth.saturating_sub(1)).unwrap_or(usize::MAX);
        self.facts.map(|kept| kept.into_facts(place)).transpose()
    }
}

impl Kept {
    fn of(facts: &Facts) -> Self {
        let Facts {
            record: _,
            subject,
            said,
            amounts,
            conduct,
            flags,
        } = facts;
        Self {
            repo: subject.repo.clone(),
            task: subject.task.clone(),
            task_type: subject.task_kind,
            model: subject.model.clone(),
            format: subject.format,
            path: subject.path.clone(),
            patch: subject.patch,
            resolved: said.resolved,
            published: said.published,
            strict: said.strict,
            people: said.people,
            outcome: said.outcome,
            steps: amounts.steps,
            actions: amounts.actions,
            failed_actions: amounts.failed_actions,
            tokens: amounts.tokens,
            // statistics leave out what is no number, and JSON has none
            cost: amounts.cost.filter(|cost| cost.is_finite()),
            duration_s: amounts.duration_s.filter(|seconds| seconds.is_finite()),
            patch_lines: amounts.patch_lines,
            course: course_words(&conduct.course),
            by_component: conduct.actions,
            code_steps: conduct.code_steps,
            test_steps: conduct.test_steps,
            runs_before: conduct.runs_before,
            runs_after: conduct.runs_after,
            is_mended: conduct.is_mended,
            aim: conduct.aim,
            flags: FlagKind::ALL
                .into_iter()
                .filter(|flag| flags.has(*flag))
                .collect(),
        }
    }

    fn into_facts(self, record: usize) -> Result<Facts, String> {
        Ok(Facts {
            record,
            subject: Subject {
                repo: self.repo,
                task: self.task,
                task_kind: self.task_type,
                model: self.model,
                format: self.format,
                path: self.path,
                patch: self.patch,
            },
            said: Judged {
                resolved: self.resolved,
                published: self.published,
                strict: self.strict,
                people: self.people,
                outcome: self.outcome,
            },
            amounts: Amounts {
                steps: self.steps,
                actions: self.actions,
                failed_actions: self.failed_actions,
                tokens: self.tokens,
                cost: self.cost,
                duration_s: self.duration_s,
                patch_lines: self.patch_lines,
            },
            conduct: Conduct {
                course: course(&self.course)
                    .ok_or_else(|| format!("`{}` is no course", self.course))?,
                actions: self.by_component,
                code_steps: self.code_steps,
                test_steps: self.test_steps,
                runs_before: self.runs_before,
                runs_after: self.runs_after,
                is_mended: self.is_mended,
                aim: self.aim,
            },
            flags: self.flags.into_iter().collect(),
        })
    }
}

/// `e6iv2` of six, one and two.
fn course_words(course: &[Component]) -> String {
    let mut words = String::new();
    for run in course.chunk_by(|one, other| one == other) {
        let Some(first) = run.first() else {
            continue;
        };
        let letters = Component::ALL.iter().zip(LETTERS);
        words.extend(
            letters
                .filter(|(known, _)| *known == first)
                .map(|(_, letter)| letter),
        );
        if run.len() > 1 {
            words.push_str(&run.len().to_string());
        }
    }
    words
}

/// The course of such words; `None` where they are none.
fn course(words: &str) -> Option<Box<[Component]>> {
    let mut course = Vec::new();
    let mut rest = words;
    while let Some(letter) = rest.chars().next() {
        let place = LETTERS.iter().position(|known| *known == letter)?;
        rest = rest.get(letter.len_utf8()..)?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (digits, behind) = rest.split_at_checked(end)?;
        let count = if digits.is_empty() {
            1
        } else {
            digits.parse().ok()?
        };
        rest = behind;
        if count > LONGEST_COURSE - course.len() {
            return None;
        }
        course.extend(std::iter::repeat_n(*Component::ALL.get(place)?, count));
    }
    Some(course.into())
}

/// Puts the facts of shares together, in the order of the records, and says what was asked for.
///
/// # Errors
/// Those of [`shard::read`].
pub fn gather(found: &Found) -> Result<(Collected, Read<PartialAsked>)> {
    let mut collected = Collected::default();
    let mut names = Names::default();
    let read = shard::read::<PartialAsked>(SHARES, found, &mut |line| {
        let line: PartialLine = serde_json::from_slice(line).map_err(|err| err.to_string())?;
        collected.asked += 1;
        collected.add(line.into_facts()?, &mut names);
        Ok(())
    })?;
    collected.off = read.asked.flags_off.iter().copied().collect();
    Ok((collected, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(facts: &Facts) {
        let line = PartialLine::new(facts.record + 1, Some(facts));
        let text = serde_json::to_string(&line).unwrap();
        let read: PartialLine = serde_json::from_str(&text).unwrap();
        assert_eq!(read.into_facts().unwrap().as_ref(), Some(facts), "{text}");
    }

    #[test]
    fn facts_come_back_as_they_were() {
        same(&Facts::default());
        for cost in [
            0.1 + 0.2,
            5e-324,
            f64::MAX,
            1.0 / 3.0,
            123_456_789.123_456_78,
            -0.0,
        ] {
            let mut facts = Facts {
                record: 7,
                ..Facts::default()
            };
            facts.amounts.cost = Some(cost);
            facts.amounts.tokens = Some(u64::MAX);
            facts.subject.model = Some("a \"b\"\n\u{7f}漢".into());
            facts.subject.task_kind = Some(TaskKind::FuncGen);
            facts.subject.format = Some(Format::OpenHandsV0);
            facts.subject.patch = Some(ContentHash::of(b"patch"));
            facts.said.people = Said::Disputed;
            facts.conduct.aim = Some(Aim::RightFileWrongFix);
            facts.conduct.course = Component::ALL.repeat(3).into();
            facts.flags = FlagKind::ALL.into_iter().step_by(2).collect();
            same(&facts);
        }
    }

    #[test]
    fn courses_are_short() {
        use Component::Exploration as E;
        use Component::Implementation as I;
        use Component::Verification as V;
        assert_eq!(course_words(&[E, E, E, I, V, V]), "e3iv2");
        assert_eq!(course("e3iv2").as_deref(), Some(&[E, E, E, I, V, V][..]));
        assert_eq!(course("").as_deref(), Some(&[][..]));
        for wrong in ["q", "e99999999999999999999", "3", "e3 ", "é", "e67108864r2"] {
            assert_eq!(course(wrong), None, "{wrong}");
        }
    }
}
