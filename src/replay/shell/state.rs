//! The state of a shell as text: variables, functions, aliases, options, folder. From it another shell goes on.

use std::time::Duration;
use std::time::Instant;

use crate::error::Error;
use crate::error::Result;
use crate::replay::shell::console::Console;
use crate::replay::shell::console::GLANCE;
use crate::replay::tool::Saved;
use crate::sandbox::Sandbox;

/// How long a command of our own may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Where the state lies for a moment, in the sandbox.
pub(super) const FILE: &str = "/tmp/.hgview-shell";

/// Bytes of a state that are kept; a larger one is lost.
const LARGEST: u64 = 16 << 20;

/// Writes the state as a script, with the last exit status from `hgview_code`. Options come last: `errexit` would end the shell at variables that cannot be set.
pub(super) const DUMP: &str = "shopt -p; declare -p; declare -f; alias -p; umask -p; printf 'cd -- %q\\n' \"$PWD\"; \
                               set +o; printf '(exit %s)\\n' \"$hgview_code\"; printf '# %s\\n' \"$(jobs -p | wc -l)\"";

/// The state of the shell on a console; of one that is busy only the folder.
///
/// # Errors
/// *limit* when the sandbox died.
pub(super) fn save(
    console: Option<&mut Console>,
    is_left: bool,
    dir: &str,
    sandbox: &mut dyn Sandbox,
) -> Result<Saved> {
    let folder = format!("cd -- {}\n", shell_words::quote(dir)).into_bytes();
    let Some(console) = console else {
        return Ok(Saved {
            state: folder,
            lost: Vec::new(),
        });
    };
    console.settle(&mut |_| {})?;
    if is_left || !console.is_prompting() {
        let lost = "a command that was still running, and the variables of its shell".to_owned();
        return Ok(Saved {
            state: folder,
            lost: vec![lost],
        });
    }
    let line = format!(" hgview_code=$?; {{ {DUMP}; }} >{FILE} 2>/dev/null; (exit $hgview_code)");
    run_hidden(console, &line)?;
    let files = sandbox.files();
    let state = files.read(FILE, LARGEST);
    // a file that stays behind is a file of /tmp
    drop(files.remove(FILE));
    let Ok(state) = state else {
        let lost = "the variables of the shell: they could not be written down".to_owned();
        return Ok(Saved {
            state: folder,
            lost: vec![lost],
        });
    };
    Ok(Saved {
        lost: jobs(&state),
        state,
    })
}

/// What the last line of a state tells of background jobs.
fn jobs(state: &[u8]) -> Vec<String> {
    let last = state
        .trim_ascii_end()
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let count = std::str::from_utf8(last)
        .ok()
        .and_then(|line| line.strip_prefix("# "));
    match count.and_then(|count| count.trim().parse::<usize>().ok()) {
        None | Some(0) => Vec::new(),
        Some(1) => vec!["a job in the background".to_owned()],
        Some(count) => vec![format!("{count} jobs in the background")],
    }
}

/// Brings a shell that was just started to a state.
///
/// # Errors
/// *limit* when the sandbox died or the shell does not answer.
pub(super) fn restore(
    console: &mut Console,
    saved: &Saved,
    sandbox: &mut dyn Sandbox,
) -> Result<()> {
    let written = sandbox.files().write(FILE, &saved.state, None);
    written.map_err(|error| {
        Error::limit("the state of the shell cannot be restored").caused_by(error)
    })?;
    run_hidden(console, &format!(" . {FILE} 2>/dev/null"))?;
    drop(sandbox.files().remove(FILE));
    Ok(())
}

/// Runs a line that no observation shows.
fn run_hidden(console: &mut Console, line: &str) -> Result<()> {
    console.settle(&mut |_| {})?;
    let before = console.markers;
    console.type_line(line)?;
    let until = Instant::now() + PATIENCE;
    while !(console.markers > before && console.is_prompting()) {
        if console.is_dead() || Instant::now() >= until {
            return Err(Error::limit("the shell of the replay does not answer"));
        }
        console.hear(GLANCE, &mut |_| {})?;
    }
    console.clear()
}
