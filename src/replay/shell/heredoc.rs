//! `apply_patch <<'EOF'` in a shell command: Codex takes it for a call of its patch tool and starts no shell.

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Action;
use crate::model::Value;
use crate::replay::shell::plain::below;
use crate::replay::tool::Call;
use crate::replay::tool::Reply;
use crate::replay::tool::Saved;
use crate::replay::tool::Tool;
use crate::sandbox::Sandbox;

/// A patch in a shell command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeredocPatch {
    /// The folder that the command goes to first.
    pub dir: Option<String>,
    /// The patch, without the heredoc's marks.
    pub patch: String,
}

impl HeredocPatch {
    /// The patch that a call applies, in one of the spellings that Codex recognises: a heredoc, optionally behind
    /// `cd DIR &&`, or the program with the patch as its only argument.
    pub fn of(action: &Action) -> Option<Self> {
        let argv = action
            .args
            .get("command")
            .or_else(|| action.args.get("cmd"));
        if let Some(words) = argv.and_then(Value::as_array)
            && let [program, patch] = words.as_slice()
            && program.as_str().is_some_and(is_program)
        {
            return Some(Self {
                dir: None,
                patch: patch.as_str()?.to_owned(),
            });
        }
        let command = action.shell.as_ref().map(|shell| &*shell.cmd);
        Self::parse(command.or_else(|| argv.and_then(Value::as_str))?)
    }

    fn parse(command: &str) -> Option<Self> {
        let command = command.trim();
        let (dir, rest) = match command.strip_prefix("cd ") {
            Some(rest) => {
                let (dir, rest) = rest.split_once("&&")?;
                let words = shell_words::split(dir).ok()?;
                let [dir] = words.as_slice() else { return None };
                (Some(dir.clone()), rest.trim_start())
            }
            None => (None, command),
        };
        let (program, rest) = rest.split_once(|c: char| c.is_whitespace() || c == '<')?;
        if !is_program(program) {
            return None;
        }
        let rest = rest.trim_start_matches([' ', '\t', '<']);
        let (word, body) = rest.split_once('\n')?;
        let word = word.trim().trim_matches(['\'', '"']);
        let body = body.strip_suffix(word)?;
        let is_word = !word.is_empty() && !word.contains(char::is_whitespace);
        let is_ended = body.is_empty() || body.ends_with('\n');
        (is_word && is_ended).then(|| Self {
            dir,
            patch: body.strip_suffix('\n').unwrap_or(body).to_owned(),
        })
    }
}

fn is_program(word: &str) -> bool {
    word == "apply_patch" || word == "applypatch"
}

/// A shell of which the calls that only apply a patch go to a patch tool.
pub struct WithPatches {
    shell: Box<dyn Tool>,
    cwd: String,
    patch_tool: fn(cwd: &str) -> Box<dyn Tool>,
}

impl WithPatches {
    /// Hands the patches of `shell`, which starts in `cwd`, to the tool that `patch_tool` makes for a folder. That tool
    /// gets them as the text of the call's arguments, and keeps no state.
    pub fn new(
        shell: Box<dyn Tool>,
        cwd: impl Into<String>,
        patch_tool: fn(cwd: &str) -> Box<dyn Tool>,
    ) -> Self {
        Self {
            shell,
            cwd: cwd.into(),
            patch_tool,
        }
    }

    /// The folder of a patch: that of the call, and from there the one that the command goes to.
    fn dir(&self, action: &Action, patch: &HeredocPatch) -> String {
        let cwd = action.shell.as_ref().and_then(|shell| shell.cwd.as_deref());
        let cwd = below(&self.cwd, cwd.unwrap_or_default());
        below(&cwd, patch.dir.as_deref().unwrap_or_default())
    }
}

impl Tool for WithPatches {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Reply> {
        let Some(patch) = HeredocPatch::of(call.action) else {
            return self.shell.run(call, sandbox, live, cancel);
        };
        let mut tool = (self.patch_tool)(&self.dir(call.action, &patch));
        let mut action = Action::new(None, "apply_patch", Value::from(patch.patch));
        action.observation.clone_from(&call.action.observation);
        let call = Call {
            action: &action,
            ..*call
        };
        tool.run(&call, sandbox, live, cancel)
    }

    fn save(&mut self, sandbox: &mut dyn Sandbox) -> Result<Saved> {
        self.shell.save(sandbox)
    }

    fn restore(&mut self, saved: &Saved, sandbox: &mut dyn Sandbox) -> Result<()> {
        self.shell.restore(saved, sandbox)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expected: Option<(Option<&str>, &str)>) {
        let found = HeredocPatch::parse(command);
        let found = found
            .as_ref()
            .map(|found| (found.dir.as_deref(), found.patch.as_str()));
        assert_eq!(found, expected, "{command:?}");
    }

    #[test]
    fn patches_are_told_from_commands() {
        check(
            "apply_patch <<'EOF'\n*** Begin\na\nEOF\n",
            Some((None, "*** Begin\na")),
        );
        check("apply_patch <<\"X\"\na\nX", Some((None, "a")));
        check("applypatch<<EOF\na\nEOF", Some((None, "a")));
        check(
            "cd 'a b' && apply_patch <<'EOF'\na\nEOF",
            Some((Some("a b"), "a")),
        );
        check("cd a b && apply_patch <<'EOF'\na\nEOF", None);
        check("apply_patch <<'EOF'\na\nEOF\nls", None);
        check("apply_patch <<'EOF'\naEOF", None);
        check("cat <<'EOF'\na\nEOF", None);
        check("apply_patch a.diff", None);
        check("", None);
        let args = serde_json::json!({"command": ["apply_patch", "*** Begin"]});
        let found = HeredocPatch::of(&Action::new(None, "shell", args)).unwrap();
        assert_eq!((found.dir, found.patch.as_str()), (None, "*** Begin"));
    }
}
