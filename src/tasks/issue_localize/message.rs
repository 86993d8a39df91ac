//! What the message of a commit says of the problem that it solves.

use std::sync::LazyLock;

use regex::Regex;

use crate::tasks::issue_localize::reason;

/// Fewer words state no problem.
const FEWEST_WORDS: usize = 8;
/// Longer statements are cut after a line.
const MOST_BYTES: usize = 16 << 10;

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a literal pattern compiles"));
    };
}

// an issue is named: `#12`, `GH-12`, `issue 12`, `bpo-12`, or by its address
pattern!(
    ISSUE,
    r"(?i)(?:^|[^\w&])#\d+\b|\b(?:gh|bpo)-\d+\b|\b(?:issue|bug|ticket|fix(?:e[sd])?|close[sd]?|resolve[sd]?)[ :]+#?\d+\b|https?://\S+/(?:issues?|ticket|bug)s?/\d+"
);
// what says that it does so, with the issues: `Fixes #12, #13.`
pattern!(
    SOLVES,
    r"(?i)\(?(?:\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|references|see|addresses|related to)[ :]*)?(?:\b(?:issue|bug|ticket|pr|pull request)s?[ :]*)?(?:[\w.-]+/[\w.-]+)?(?:#|\bgh-|\bbpo-|https?://\S+/(?:issues?|pull|ticket|bug)s?/)\d+(?:(?:,? and |, ?| ?& ?|/)(?:#|gh-|bpo-)\d+)*\)?(?:[.:](?:\s|$))?"
);
// the same with a bare number
pattern!(
    SOLVES_BARE,
    r"(?i)\(?\b(?:(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?)[ :]+(?:issue |bug |ticket )?|(?:issue|bug|ticket)[ :]+)\d+\b\)?[.:]?"
);
// trailers and what tools add
pattern!(
    TRAILER,
    r"(?i)^\s*(?:[\w-]+-by|cc|change-id|fix(?:es)?|close[sd]?|resolve[sd]?|refs?|see[ -]also|issues?|bugs?|ticket|link|pull[ -]request(?:-url)?|pr(?:-url)?|reviewed-on|git-svn-id|differential revision|reviewers?|subscribers|test plan)\s*:|^\s*\(cherry picked from commit|^\s*\[(?:skip ci|ci skip)\]"
);
pattern!(WORD, r"[\p{L}][\p{L}'’_-]*");

/// The problem that a commit's message states: without trailers and the words that name the issue. `files` are those that
/// the commit touches: their names do not count as words.
///
/// # Errors
/// Why it states none.
pub(super) fn statement(message: &str, files: &[String]) -> Result<String, &'static str> {
    let message = message.trim_start();
    if message.starts_with("Merge ") || message.starts_with("Revert ") {
        return Err(reason::MERGE);
    }
    if !ISSUE.is_match(message) {
        return Err(reason::NO_ISSUE);
    }
    let mut said = String::new();
    for line in message.lines().filter(|line| !TRAILER.is_match(line)) {
        let cut = SOLVES.replace_all(line, "");
        let cut = SOLVES_BARE.replace_all(&cut, "");
        let cut = if cut.as_ref() == line {
            line.trim_end()
        } else {
            // what is left of `Fixed #12 -- words` and `words (#12)`
            let is_left = |c: char| c.is_whitespace() || "-–—:;,.".contains(c);
            cut.trim_start_matches(is_left).trim_end()
        };
        if cut.is_empty() && (said.is_empty() || said.ends_with("\n\n")) {
            continue;
        }
        if said.len() + cut.len() > MOST_BYTES {
            break;
        }
        said.push_str(cut);
        said.push('\n');
    }
    let said = said.trim();
    if words(said, files) < FEWEST_WORDS {
        return Err(reason::FEW_WORDS);
    }
    Ok(said.to_owned())
}

/// How many words a text has that name none of the files.
fn words(text: &str, files: &[String]) -> usize {
    let is_name = |word: &str| {
        let mut parts = files.iter().flat_map(|file| file.split(['/', '.']));
        parts.any(|part| part.eq_ignore_ascii_case(word))
    };
    let mut words = WORD.find_iter(text).map(|found| found.as_str());
    let mut count = 0;
    while count < FEWEST_WORDS
        && let Some(word) = words.next()
    {
        count += usize::from(word.chars().count() > 1 && !is_name(word));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, want: Result<&str, &str>) {
        let files = ["src/json/decoder.py".to_owned()];
        let got = statement(message, &files);
        assert_eq!(got.as_deref().map_err(|why| *why), want, "{message}");
    }

    const LONG: &str = "the parser forgets the last key of an object that ends early";

    #[test]
    fn words_that_name_the_issue_go() {
        for (message, want) in [
            (format!("{LONG} (#123)"), LONG.to_owned()),
            (format!("Fixed #123 -- {LONG}."), format!("{LONG}.")),
            (format!("Fix issue #123: {LONG}"), LONG.to_owned()),
            (format!("GH-9: {LONG}"), LONG.to_owned()),
            (format!("bpo-9, {LONG}"), LONG.to_owned()),
            (format!("issue 12: {LONG}"), LONG.to_owned()),
            (
                format!(
                    "{LONG}\n\nMore of it.\n\n\nFixes: #12\nCloses o/r#13, #14\nSigned-off-by: A <a@b>\n"
                ),
                format!("{LONG}\n\nMore of it."),
            ),
            (
                format!("{LONG}\n\nSee https://github.com/o/r/issues/12 and fixes #3 and #4."),
                format!("{LONG}\n\nand"),
            ),
            (format!("{LONG}, resolves 44"), format!("{LONG},")),
        ] {
            check(&message, Ok(&want));
        }
    }

    #[test]
    fn messages_that_state_no_problem() {
        check(LONG, Err(reason::NO_ISSUE));
        check(
            "colours &#123; and a#1b are no issues, however long the message is",
            Err(reason::NO_ISSUE),
        );
        check("", Err(reason::NO_ISSUE));
        check("Fixes #12", Err(reason::FEW_WORDS));
        check(
            "#1 src/json/decoder.py decoder json py src decoder json py src decoder",
            Err(reason::FEW_WORDS),
        );
        check(
            &format!("Merge pull request #12 from a/b\n\n{LONG}"),
            Err(reason::MERGE),
        );
        check(&format!("Revert \"{LONG} (#12)\""), Err(reason::MERGE));
        check(
            &format!("#1 {}", "x ".repeat(100_000)),
            Err(reason::FEW_WORDS),
        );
    }
}
