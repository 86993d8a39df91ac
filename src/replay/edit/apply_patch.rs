//! `apply_patch`, in the dialects of its two kinds of implementation.
//!
//! Readers of recorded patches ([`crate::patch`]) are tolerant; the tools are not. Here a patch is read as the tool reads
//! it, so that what it refuses is refused, in its words.

mod codex;
mod codex_parse;
mod reference;

use serde::Deserialize;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Value;
use crate::replay::Call;
use crate::replay::Reply;
use crate::replay::Saved;
use crate::replay::Tool;
use crate::sandbox::Files;
use crate::sandbox::Sandbox;

/// The largest file that a patch is applied to.
const MOST_BYTES: u64 = 64 << 20;

/// Line comparisons that one patch may cost; keeps hostile patches from quadratic work.
const MOST_COMPARISONS: usize = 50_000_000;

/// Whose `apply_patch` it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `OpenAI`'s reference in Python, which the `OpenHands` SDK uses: all or nothing, answers `Done!`.
    Reference,
    /// The program of Codex: file after file, so that the first ones stay changed when a later one fails.
    Codex,
    /// The tool of Codex: the program, after a check that refuses what would fail. Commands that consist of one
    /// `apply_patch` with a here-document are this one, too.
    CodexTool,
}

/// What a program that applied a patch printed, and its exit status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// To standard output.
    pub output: String,
    /// To standard error.
    pub errors: String,
    /// 0 when the patch was applied.
    pub exit_code: i64,
}

impl Applied {
    fn done(output: impl Into<String>) -> Self {
        Self {
            output: output.into(),
            ..Self::default()
        }
    }

    fn failed(errors: impl Into<String>) -> Self {
        Self {
            errors: errors.into(),
            exit_code: 1,
            ..Self::default()
        }
    }
}

/// Applies the text of a patch to the files below `cwd` (an absolute path of the sandbox), as `dialect` does.
///
/// # Errors
/// Why it cannot be done here as the tool does it, in words: a file that is too long, a failure for which the tool has no
/// words.
pub fn apply_patch(
    dialect: Dialect,
    patch: &str,
    cwd: &str,
    files: &mut dyn Files,
) -> std::result::Result<Applied, String> {
    match dialect {
        Dialect::Reference => reference::apply(patch, cwd, files),
        Dialect::Codex => codex::apply(patch, cwd, files),
        Dialect::CodexTool => codex::apply_checked(patch, cwd, files),
    }
}

/// `apply_patch` as a tool of its own. Takes the patch as the whole argument, or as `input` or `patch`.
#[derive(Debug)]
pub struct ApplyPatch {
    dialect: Dialect,
    cwd: String,
}

impl ApplyPatch {
    /// Below `cwd`, an absolute path of the sandbox; a call may name another in `workdir`.
    pub fn new(dialect: Dialect, cwd: impl Into<String>) -> Self {
        Self {
            dialect,
            cwd: cwd.into(),
        }
    }
}

impl Tool for ApplyPatch {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        _: &mut dyn FnMut(&[u8]),
        _: &Cancel,
    ) -> Result<Reply> {
        let args = &call.action.args;
        let named = |name: &str| args.get(name).and_then(Value::as_str);
        let Some(patch) = args
            .as_str()
            .or_else(|| named("input"))
            .or_else(|| named("patch"))
        else {
            return Ok(Reply::not_replayable("the call has no patch"));
        };
        let cwd = crate::replay::edit::place::join(&self.cwd, named("workdir").unwrap_or_default());
        Ok(
            match apply_patch(self.dialect, patch, &cwd, sandbox.files()) {
                Ok(applied) => Reply {
                    text: applied.output + &applied.errors,
                    exit_code: (self.dialect != Dialect::Reference).then_some(applied.exit_code),
                    ..Reply::default()
                },
                Err(why) => Reply::not_replayable(why),
            },
        )
    }

    fn save(&mut self, _: &mut dyn Sandbox) -> Result<Saved> {
        Ok(Saved::default())
    }

    fn restore(&mut self, _: &Saved, _: &mut dyn Sandbox) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
