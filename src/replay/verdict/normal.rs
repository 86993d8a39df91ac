//! Lines without what no two runs share.
//!
//! Each rule takes away as little as it can: a number counts unless the words around it say that it is a time, a process
//! or an address. Hashes go only where git tells a commit: the base commit of a task is made anew, so that no two runs
//! have the same; blobs, checksums and other hex numbers count.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;

/// A pattern, what stands for what it finds, and the bytes without one of which a line cannot have it, as a set of ASCII.
struct Rule {
    pattern: Regex,
    instead: &'static str,
    needs: u128,
}

/// The ASCII bytes of a line, a bit each.
fn ascii_of(line: &[u8]) -> u128 {
    let bit = |byte: &u8| 1_u128.checked_shl(u32::from(*byte)).unwrap_or(0);
    line.iter().map(bit).fold(0, |set, bit| set | bit)
}

/// A line that `ls -l` printed: mode, owner, group, size, name.
static LONG: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"^([bcdlps-][-rwxsStT]{9})[.+@]?[ ]+\d+[ ]+(\S+)[ ]+(\S+)[ ]+(\d+(?:,[ ]*\d+)?|\d[\d.]*[KMGT]?)[ ]+(?:[A-Z][a-z]{2}[ ]+\d{1,2}[ ]+[\d:]{4,5}|\d{4}-\d\d-\d\d[ ][\d:.]+(?:[ ][+-]\d{4})?|\d\d-\d\d[ ]\d\d:\d\d)[ ](.*)$",
    )
});

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |pattern, instead, needs: &'static str| Rule {
        pattern: fixed(pattern),
        instead,
        needs: ascii_of(needs.as_bytes()),
    };
    vec![
        // dates and times
        rule(
            r"\b(?:19|20)\d\d[-/]\d\d[-/]\d\d(?:[T _]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)\b)?",
            "<date>",
            "-/",
        ),
        rule(
            r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +)?(?:\d{1,2} +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(?:\d{1,2},? +)?(?:(?:19|20)\d\d +)?\d\d:\d\d(?::\d\d)?(?: +(?:AM|PM))?(?: +(?:UTC|GMT|CET|CEST|[A-Z]{1,2}[SD]T))?(?: +(?:19|20)\d\d)?(?: +[+-]\d{4})?",
            "<date>",
            ":",
        ),
        rule(r"\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b", "<time>", ":"),
        // durations: what is measured has a fraction, or words that say so
        rule(
            r"\b(real|user|sys|elapsed)([ \t]+)(?:\d+m)?\d+\.\d+s?",
            "${1} <took>",
            ".",
        ),
        rule(
            r"\b\d+(?:\.\d+)? ?(?:s|sec|secs|second|seconds|ms|us|µs|ns)\b(?: \(<time>\))?(?P<end>[,;)\]]| =|$| per | \.\.\.)",
            "<took>${end}",
            "0123456789",
        ),
        rule(
            r"\b\d+\.\d+ ?(?:s|sec|secs|seconds?|ms|us|µs|ns|m|min|minutes?)\b(?: \(<time>\))?",
            "<took>",
            ".",
        ),
        rule(
            r"(?i)\b(in|took|after|elapsed|time|duration|wall|real|user|sys|cpu)\b(:? *=? *)\d+(?:\.\d+)? ?(?:s|secs?|seconds?|ms|milliseconds?|us|µs|ns|minutes?)\b",
            "${1}${2}<took>",
            "0123456789",
        ),
        // addresses and object identities
        rule(r"\b0x[0-9a-fA-F]{4,16}\b", "<address>", "x"),
        // names of temporary files
        rule(
            r"/tmp/(?:tmp[\w.-]+|pytest-of-[\w.-]+/pytest-\d+|pip-[\w-]+|[\w.-]*[._-][A-Za-z0-9_]{6,10}\b)",
            "<tmp>",
            "t",
        ),
        rule(r"\btmp[a-z0-9_]{8}\b", "<tmp>", "t"),
        rule(r"\bpytest-\d+/", "pytest-<n>/", "-"),
        // processes
        rule(
            r"(?i)\b(pid|process|worker|thread)([ =:#]+)\d{2,}\b",
            "${1}${2}<pid>",
            "dDsSrR",
        ),
        rule(r"^(\[\d+\][+-]? +)\d+$", "${1}<pid>", "["),
        rule(r"^==\d+==", "==<pid>==", "="),
        rule(r"(: line \d+: +)\d+( +[A-Z][a-z]+)", "${1}<pid>${2}", ":"),
        // machines and the people at them
        rule(r"\b[a-z_][\w-]*@[\w.-]+(:[~/])", "<user>@<host>${1}", "@"),
        rule(r"\bhostname=\S+", "hostname=<host>", "="),
        // commits
        rule(
            r"^((?:\* |  )?(?:commit|parent|tree|Merge:|HEAD is now at|HEAD detached at|From|Updating|\[\S+(?: \(root-commit\))?) ?(?:[0-9a-f]{7,40}(?: |\.\.))*)[0-9a-f]{7,40}\b",
            "${1}<commit>",
            "0123456789",
        ),
        rule(
            r"^(\* |  )(\S+ +)[0-9a-f]{7,12} ",
            "${1}${2}<commit> ",
            "0123456789",
        ),
        rule(
            r"^[0-9a-f]{7,12}( \(| [A-Z]|$)",
            "<commit>${1}",
            "0123456789",
        ),
        rule(r"^[0-9a-f]{40}$", "<commit>", "0123456789"),
        rule(
            r"^[0-9a-f]{40}([ \t]+(?:refs/|HEAD))",
            "<commit>${1}",
            "0123456789",
        ),
        // blobs, which git shortens as far as they are unique
        rule(
            r"^(index [0-9a-f]{7})[0-9a-f]*(\.\.[0-9a-f]{7})[0-9a-f]*\b",
            "${1}${2}",
            "x",
        ),
        // what the harness says of itself
        rule(r"^\[Python interpreter: .*\]$", "[Python interpreter]", "["),
        rule(
            r"^\[Jupyter Python interpreter: .*\]$",
            "[Jupyter Python interpreter]",
            "[",
        ),
        rule(r"^Chunk ID: \w+$", "Chunk ID", "C"),
    ]
});

/// Pads of a line that is as wide as a screen, whatever it says: `==== 3 passed in 0.12s ====`.
static PAD: LazyLock<Regex> = LazyLock::new(|| fixed(r"={2,}|-{3,}|_{3,}"));

static TOTAL: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"^(?:total |\[total )\d+(?:\.\d+)?[KMGT]?$"));

/// What is known of the places of both runs.
#[derive(Debug, Default)]
pub(super) struct Frame {
    roots: Vec<(Finder<'static>, usize)>,
}

impl Frame {
    /// Of workspaces that go by these names. A single name stands on both sides and needs no care.
    pub(super) fn new(roots: &[String]) -> Self {
        let mut roots: Vec<&String> = roots.iter().filter(|root| root.len() > 1).collect();
        roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
        roots.dedup();
        if roots.len() < 2 {
            return Self::default();
        }
        let finder = |root: &String| (Finder::new(root.as_bytes()).into_owned(), root.len());
        Self {
            roots: roots.into_iter().map(finder).collect(),
        }
    }

    /// Whether two lines that differ do so only in what no two runs share.
    pub(super) fn are_alike(&self, a: &str, b: &str) -> bool {
        self.normalised(a) == self.normalised(b)
    }

    /// A line with words in the place of what no two runs share.
    pub(super) fn normalised<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let mut line = Cow::Borrowed(line);
        for (root, len) in &self.roots {
            if let Some(replaced) = without(&line, root, *len) {
                line = Cow::Owned(replaced);
            }
        }
        if let Some(listed) = listed(&line) {
            return Cow::Owned(listed);
        }
        let mut has_changed = false;
        let mut bytes = ascii_of(line.as_bytes());
        for rule in RULES.iter() {
            if rule.needs & bytes == 0 {
                continue;
            }
            if let Cow::Owned(replaced) = rule.pattern.replace_all(&line, rule.instead) {
                bytes = ascii_of(replaced.as_bytes());
                line = Cow::Owned(replaced);
                has_changed = true;
            }
        }
        if has_changed && let Cow::Owned(replaced) = PAD.replace_all(&line, "===") {
            line = Cow::Owned(replaced);
        }
        line
    }
}

/// The line without a name of the workspace; `None` where it is not in it. A name that goes on is another one.
fn without(line: &str, root: &Finder<'static>, len: usize) -> Option<String> {
    let mut out = String::new();
    let mut from = 0;
    for at in root.find_iter(line.as_bytes()) {
        let next = line.as_bytes().get(at + len);
        let goes_on =
            next.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
        if !goes_on && at >= from {
            out.push_str(line.get(from..at)?);
            out.push_str("<root>");
            from = at + len;
        }
    }
    if from == 0 {
        return None;
    }
    out.push_str(line.get(from..)?);
    Some(out)
}

/// A line of `ls -l` without links, owner, group and time; sizes of folders are the file system's.
fn listed(line: &str) -> Option<String> {
    if line.starts_with(['t', '[']) && TOTAL.is_match(line) {
        return Some("<total>".to_owned());
    }
    if !line.starts_with(['-', 'd', 'l', 'b', 'c', 'p', 's']) {
        return None;
    }
    let found = LONG.captures(line)?;
    let part = |ix| found.get(ix).map_or("", |part| part.as_str());
    let (mode, size, name) = (part(1), part(4), part(5));
    let size = if mode.starts_with('d') {
        "<size>"
    } else {
        size
    };
    Some(format!("{mode} {size} {name}"))
}

pub(super) fn fixed(pattern: &str) -> Regex {
    #[expect(
        clippy::expect_used,
        reason = "the patterns are constants that tests run"
    )]
    Regex::new(pattern).expect("a pattern of this file")
}
