//! `hgview man`: the manual page, subcommands included, made from the arguments' own words.

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::Cli;
use crate::error::Result;

/// Prints the page in roff, for `man -l -`.
pub(super) fn run(output: &mut Output<'_>) -> Result<Verdict> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands() {
        let name = sub.get_name().to_owned();
        writeln!(page, ".SH \"HGVIEW {}\"", name.to_uppercase())?;
        let man = clap_mangen::Man::new(sub.clone());
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    output.out.write_all(&page)?;
    Ok(Verdict::Yes)
}
