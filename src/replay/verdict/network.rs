//! Whether a command failed because a sandbox has no network.

use crate::model::Action;

/// What programs say that found no way out. Words that a server of the sandbox itself may cause (`Connection refused`) are
/// not among them.
const WORDS: [&str; 26] = [
    "Could not resolve host",
    "Couldn't resolve host",
    "unable to resolve host address",
    "Temporary failure in name resolution",
    "Temporary failure resolving '",
    "Name or service not known",
    "No address associated with hostname",
    "nodename nor servname provided",
    "Network is unreachable",
    "network is unreachable",
    "Failed to establish a new connection",
    "NewConnectionError",
    "NameResolutionError",
    "(from versions: none)",
    "getaddrinfo EAI_AGAIN",
    "getaddrinfo ENOTFOUND",
    "npm ERR! network",
    "npm error network",
    "ENETUNREACH",
    "dial tcp: lookup ",
    "socket.gaierror",
    "urlopen error [Errno -",
    "Failed to fetch http",
    "dns error: failed to lookup",
    "Could not connect to server",
    "server misbehaving",
];

/// Programs whose exit status alone says it, where they are told to be quiet: name, statuses.
const STATUSES: [(&str, &[i64]); 2] = [("curl", &[5, 6, 7]), ("wget", &[4])];

/// Why this looks like a failure for want of a network; `None` where it does not, or did when it was recorded.
pub(super) fn failure(
    action: &Action,
    status: Option<i64>,
    recorded: &str,
    now: &str,
) -> Option<String> {
    let has = |text: &str, words: &str| memchr::memmem::find(text.as_bytes(), words.as_bytes());
    let told = WORDS
        .into_iter()
        .find(|words| has(now, words).is_some() && has(recorded, words).is_none());
    if let Some(words) = told {
        return Some(format!("no network: it says `{}`", words.trim_end()));
    }
    let status = status?;
    let command = &action.shell.as_ref()?.cmd;
    let is_called = |program: &str| {
        let mut words = command.split(|c: char| c.is_whitespace() || ";|&()`".contains(c));
        words.any(|word| word.rsplit('/').next() == Some(program))
    };
    let mut quiet = STATUSES.iter();
    let (program, _) =
        quiet.find(|(program, known)| known.contains(&status) && is_called(program))?;
    Some(format!("no network: {program} ended with status {status}"))
}
