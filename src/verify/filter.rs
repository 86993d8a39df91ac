//! Which verdict counts: a set of rules, what a report says, a reward, or a file of scores.
//!
//! `published` and `strict` are the automatic filter; the others bring verdicts from outside to the same place: labels
//! that the record or a joined report carries, rewards, and the scores of a reward model with a threshold.

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;

use crate::config::QueueFilter;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Verdict;
use crate::read::side::ScoreOf;
use crate::read::side::score_row;
use crate::verify::Rules;
use crate::verify::check::Checked;

/// The threshold of a score file where none is given.
const HALF: f64 = 0.5;
const HINT: &str = "known are published, strict, resolved, score>=X and file:SCORES.jsonl[>=X]";

/// Where the verdict comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The published rules.
    Published,
    /// The strict rules.
    Strict,
    /// What the record or a report says: `resolved`, `eval_result`, SWE-bench, SWT-bench and Commit-0 reports.
    Resolved,
    /// The record's reward, or that of a joined file, is at least this.
    Score(f64),
    /// A score of a file is at least the threshold.
    Scores(Scores),
}

/// The scores of a file, by record and by task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    /// The file.
    pub path: PathBuf,
    /// What a score must reach.
    pub at_least: f64,
    by_hash: HashMap<ContentHash, Rows>,
    /// Rows of the same id that disagree are about several attempts, and which is whose is not known.
    by_id: HashMap<String, Rows>,
}

/// What the rows of one name say.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rows {
    /// Their score; `None` where they disagree.
    score: Option<f64>,
    count: usize,
}

/// What a score file says of a record.
enum Found<'a> {
    Score(f64),
    /// So many rows name it, by what, and disagree.
    Torn(usize, &'a str),
    Nothing,
}

impl Filter {
    /// Reads `published`, `strict`, `resolved`, `score>=X` or `file:SCORES.jsonl[>=X]`, and the file that is named.
    ///
    /// # Errors
    /// *user* for anything else; *input* when the file cannot be read or a line of it is no score.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::user(format!("`{text}` is no filter")).hint(HINT);
        let number = |text: &str| {
            let number: f64 = text.trim().parse().ok()?;
            number.is_finite().then_some(number)
        };
        match QueueFilter::named(text) {
            Some(QueueFilter::Published) => return Ok(Self::Published),
            Some(QueueFilter::Strict) => return Ok(Self::Strict),
            Some(QueueFilter::Resolved) => return Ok(Self::Resolved),
            Some(QueueFilter::Score(least)) => return Ok(Self::Score(least)),
            None => {}
        }
        let file = text.strip_prefix("file:").ok_or_else(wrong)?;
        let (path, at_least) = match file.rsplit_once(">=") {
            Some((path, least)) => (path, number(least).ok_or_else(wrong)?),
            None => (file, HALF),
        };
        if path.is_empty() {
            return Err(wrong());
        }
        Scores::load(Path::new(path), at_least).map(Self::Scores)
    }

    /// The rules that it asks; none of them where it goes by labels or scores.
    pub fn rules(&self) -> &'static [Rules] {
        match self {
            Self::Published => &[Rules::Published],
            Self::Strict => &[Rules::Strict],
            Self::Resolved | Self::Score(_) | Self::Scores(_) => &[],
        }
    }

    /// Whether it asks for the contents of records ([`Checked::hash`]).
    pub fn goes_by_content(&self) -> bool {
        matches!(self, Self::Scores(scores) if !scores.by_hash.is_empty())
    }

    /// What this filter says of a record.
    pub fn verdict(&self, checked: &Checked) -> Verdict {
        let at_least = |score: Option<f64>, least: f64| {
            score.map_or(Verdict::Unjudged, |score| Verdict::of(score >= least))
        };
        match self {
            Self::Published => checked.published.verdict,
            Self::Strict => checked.strict.verdict,
            Self::Resolved => checked.resolved.map_or(Verdict::Unjudged, Verdict::of),
            Self::Score(least) => at_least(checked.reward, *least),
            Self::Scores(scores) => at_least(scores.score(checked), scores.at_least),
        }
    }

    /// Why it does not accept a record, in words, where it goes by labels or scores: rules have their evidence.
    pub fn why_not(&self, checked: &Checked) -> Option<String> {
        let below = |what: &str, score: Option<f64>, least: f64| match score {
            Some(score) => (score < least).then(|| format!("the {what} is below {least}")),
            None => Some(format!("no {what} is known")),
        };
        match self {
            Self::Published | Self::Strict => None,
            Self::Resolved => match checked.resolved {
                Some(true) => None,
                Some(false) => Some("the label says that it is not resolved".to_owned()),
                None => Some("no label says whether it is resolved".to_owned()),
            },
            Self::Score(least) => below("reward", checked.reward, *least),
            Self::Scores(scores) => {
                let file = scores.path.display();
                match scores.find(checked) {
                    Found::Score(score) => below("score", Some(score), scores.at_least),
                    Found::Torn(count, "sha256") => Some(format!(
                        "{count} rows of {file} name this record with different scores"
                    )),
                    Found::Torn(count, _) => Some(format!(
                        "{count} rows of {file} name this id with different scores; rows with `sha256` tell attempts apart"
                    )),
                    Found::Nothing => Some(format!("no row of {file} is about it")),
                }
            }
        }
    }

    /// The number by which this filter ranks attempts: its own score, where it goes by one.
    pub fn score(&self, checked: &Checked) -> Option<f64> {
        match self {
            Self::Score(_) => checked.reward,
            Self::Scores(scores) => scores.score(checked),
            Self::Published | Self::Strict | Self::Resolved => None,
        }
    }
}

impl Scores {
    fn load(path: &Path, at_least: f64) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|err| {
            Error::input(format!("cannot read the scores of {}", path.display())).caused_by(err)
        })?;
        let mut scores = Self {
            path: path.to_path_buf(),
            at_least,
            ..Self::default()
        };
        for (number, line) in (1..).zip(text.lines()) {
            if !line.trim().is_empty() {
                scores.add(line).map_err(|why| {
                    Error::input(format!("{}:{number}: {why}", path.display())).hint(
                        "each line is an object with `score` and one of `sha256`, `instance_id`, `id`",
                    )
                })?;
            }
        }
        if scores.by_hash.is_empty() && scores.by_id.is_empty() {
            return Err(Error::input(format!("{} holds no scores", path.display())));
        }
        Ok(scores)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        match score_row(line.as_bytes())? {
            (ScoreOf::Content(hash), score) => add_row(&mut self.by_hash, hash, score),
            (ScoreOf::Id(id), score) => add_row(&mut self.by_id, id, score),
        }
        Ok(())
    }

    fn score(&self, checked: &Checked) -> Option<f64> {
        match self.find(checked) {
            Found::Score(score) => Some(score),
            Found::Torn(..) | Found::Nothing => None,
        }
    }

    /// What it says of a record: by its content, else by its task, else by its name.
    fn find(&self, checked: &Checked) -> Found<'_> {
        let by_hash = checked.hash.and_then(|hash| self.by_hash.get(&hash));
        let by_hash = by_hash.map(|rows| (rows, "sha256"));
        let names = [checked.task_id.as_ref(), Some(&checked.id)];
        let by_id = names.into_iter().flatten();
        let by_id = by_id.filter_map(|name| Some((self.by_id.get(name)?, "id")));
        let mut torn = Found::Nothing;
        for (rows, by) in by_hash.into_iter().chain(by_id) {
            match rows.score {
                Some(score) => return Found::Score(score),
                // what disagrees about this very content is not settled by a vaguer name
                None if by == "sha256" => return Found::Torn(rows.count, by),
                None if matches!(torn, Found::Nothing) => torn = Found::Torn(rows.count, by),
                None => {}
            }
        }
        torn
    }
}

fn add_row<K: std::hash::Hash + Eq>(rows: &mut HashMap<K, Rows>, name: K, score: f64) {
    let known = rows.entry(name).or_insert(Rows {
        score: Some(score),
        count: 0,
    });
    known.count += 1;
    if known.score != Some(score) {
        known.score = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskKind;
    use crate::verify::Judgement;

    fn checked() -> Checked {
        let judgement = |verdict| Judgement {
            verdict,
            ..Judgement::default()
        };
        Checked {
            hash: Some(ContentHash::of(b"a")),
            id: "a".to_owned(),
            attempt: None,
            task_id: Some("t".to_owned()),
            kind: TaskKind::DepSearch,
            repo: None,
            published: judgement(Verdict::Accept),
            strict: judgement(Verdict::Reject),
            flags: Vec::new(),
            patch_hash: None,
            resolved: None,
            reward: Some(0.4),
            label_source: None,
        }
    }

    #[track_caller]
    fn check(filter: &str, want: Verdict) {
        let filter = Filter::parse(filter).unwrap();
        assert_eq!(filter.verdict(&checked()), want, "{filter:?}");
    }

    #[track_caller]
    fn why_not(filter: &str, says: &str) {
        let filter = Filter::parse(filter).unwrap();
        let why = filter.why_not(&checked()).unwrap();
        assert!(why.contains(says), "{why}");
    }

    #[test]
    fn labels_and_scores_say_why_not() {
        why_not("resolved", "no label");
        why_not("score>=0.41", "the reward is below 0.41");
        let is_told = |word| Filter::parse(word).unwrap().why_not(&checked()).is_some();
        assert!(!is_told("score>=0.4") && !is_told("strict"));
    }

    #[test]
    fn verdicts_come_from_where_the_filter_says() {
        check("published", Verdict::Accept);
        check("strict", Verdict::Reject);
        check("resolved", Verdict::Unjudged);
        check("score>=0.4", Verdict::Accept);
        check("score>= 0.41", Verdict::Reject);
    }

    #[test]
    fn scores_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let with = |lines: &str, least: &str| {
            let path = folder.path().join("s.jsonl");
            std::fs::write(&path, lines).unwrap();
            format!("file:{}{least}", path.display())
        };
        let by_id = r#"{"instance_id": "t", "score": 0.6, "model": "m"}"#;
        check(&with(by_id, ""), Verdict::Accept);
        check(&with(by_id, ">=0.7"), Verdict::Reject);
        check(&with(r#"{"id": "a", "score": 1}"#, ""), Verdict::Accept);
        check(&with(r#"{"id": "b", "score": 1}"#, ""), Verdict::Unjudged);
        let hash = ContentHash::of(b"a");
        let both = format!("{by_id}\n\n{{\"sha256\": \"{hash}\", \"score\": 0}}\n");
        check(&with(&both, ""), Verdict::Reject);
        // two attempts of one task: whose is which?
        let two = format!("{by_id}\n{{\"instance_id\": \"t\", \"score\": 0.1}}");
        check(&with(&two, ""), Verdict::Unjudged);
        why_not(
            &with(&two, ""),
            "name this id with different scores; rows with `sha256` tell attempts apart",
        );
        // its own name settles it; so does its content
        let named = format!("{two}\n{{\"id\": \"a\", \"score\": 1}}");
        check(&with(&named, ""), Verdict::Accept);
        let by_content = format!("{two}\n{{\"sha256\": \"{hash}\", \"score\": 1}}");
        check(&with(&by_content, ""), Verdict::Accept);
        // the same score twice is no dispute, and two scores of one content are one
        let same = format!("{by_id}\n{by_id}");
        check(&with(&same, ""), Verdict::Accept);
        let torn = format!("{both}{{\"sha256\": \"{hash}\", \"score\": 1}}");
        check(&with(&torn, ""), Verdict::Unjudged);
        why_not(&with(&torn, ""), "2 rows of ");
        why_not(&with(&torn, ""), "name this record with different scores");
        why_not(&with(r#"{"id": "b", "score": 1}"#, ""), "is about it");
        why_not(&with(by_id, ">=0.7"), "the score is below 0.7");
        for wrong in [
            "",
            "x",
            "{}",
            r#"{"score": 1}"#,
            r#"{"id": "a"}"#,
            r#"{"sha256": "a", "score": 1}"#,
            r#"{"id": "a", "score": NaN}"#,
            r#"{"id": "a", "score": 1e999}"#,
            r#"{"id": "a", "score": nul"#,
        ] {
            Filter::parse(&with(wrong, "")).unwrap_err();
        }
    }

    #[test]
    fn what_is_no_filter_is_an_error_with_a_hint() {
        for wrong in [
            "",
            "Strict",
            "score>=",
            "score>=x",
            "score>=inf",
            "file:",
            "file:>=1",
            "file:/no/such",
        ] {
            let error = Filter::parse(wrong).unwrap_err();
            assert!(!error.to_string().is_empty(), "{wrong}");
        }
    }
}
