//! The `hgview` program: arguments in, exit code out.

use std::io::BufWriter;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // a process of a sandbox, started by hgview under a word that nobody types
    #[cfg(target_os = "linux")]
    if let Some(code) = hgview::sandbox::enter() {
        return code;
    }
    hgview::heap::set_up();
    let mut stdout = BufWriter::with_capacity(1 << 16, std::io::stdout());
    let mut stderr = std::io::stderr();
    let code = hgview::cli::run(std::env::args_os(), &mut stdout, &mut stderr);
    // The commands have flushed; what is left was refused by a reader that went away.
    drop(stdout.flush());
    code
}
