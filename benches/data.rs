//! Realistic trajectory JSONL of any size, deterministic: one line is one attempt of an invented task as a chat row
//! with tool calls, most lines 60–400 KB. Shared by the generator and the benchmarks.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// What to write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// Lines of usual size until the file has this many bytes.
    Bytes(u64),
    /// One trajectory with this many steps.
    Steps(usize),
    /// One trajectory with an observation of this many bytes.
    Observation(usize),
}

/// A small generator of numbers; the same seed gives the same file on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides.max(1)
    }
}

const WORDS: &[&str] = &[
    "anchor", "buoy", "cargo", "deck", "ebb", "fathom", "gauge", "harbor", "inlet", "jetty",
    "keel", "lagoon", "moor", "neap", "oar", "pier", "quay", "reef", "sail", "tide", "vessel",
    "wharf", "chart", "drift",
];

fn code_line(dice: &mut Dice, line: usize) -> String {
    let mut word = || WORDS[dice.roll(WORDS.len())];
    match line % 7 {
        0 => format!("def {}_{}({}, {}=None):", word(), word(), word(), word()),
        1 => format!("    \"\"\"Return the {} of the {}.\"\"\"", word(), word()),
        2 => format!("    if {} is None:", word()),
        3 => format!(
            "        raise ValueError(f\"no {} at {{{}}}\")",
            word(),
            word()
        ),
        4 => format!(
            "    {} = [{} for {} in {}.values()]",
            word(),
            word(),
            word(),
            word()
        ),
        5 => format!("    return {}({}, {}=True)", word(), word(), word()),
        _ => String::new(),
    }
}

fn push_json(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 32 => {
                let _ok = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Source lines until there are `wanted` bytes; numbered as `cat -n` does when a file is viewed.
fn observation(dice: &mut Dice, viewed: Option<&str>, wanted: usize) -> String {
    let mut text = viewed.map_or_else(String::new, |path| {
        format!("Here's the result of running `cat -n` on {path}:\n")
    });
    let mut number = 1;
    while text.len() < wanted {
        if viewed.is_some() {
            let _ok = write!(text, "{number:6}\t");
        }
        text.push_str(&code_line(dice, number));
        text.push('\n');
        number += 1;
    }
    text
}

/// Writes one trajectory: `steps` calls with results, the one in the middle `big` bytes long where that is not 0.
fn line(out: &mut String, ix: usize, steps: usize, big: usize) {
    let mut dice = Dice(0x5eed ^ (ix as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    out.clear();
    let _ok = write!(
        out,
        "{{\"instance_id\":\"tidepool__harbor-kit-{ix}\",\"repo\":\"tidepool/harbor-kit\",\"model\":\"invented-{}b\",\"resolved\":{},\"messages\":[",
        7 + dice.roll(3) * 10,
        dice.roll(2) == 0
    );
    out.push_str(
        "{\"role\":\"system\",\"content\":\"You are a software engineer working in a sandbox.\"},",
    );
    out.push_str("{\"role\":\"user\",\"content\":\"Find the function that moors the vessel and document it.\"}");
    for step in 0..steps {
        let path = format!(
            "/workspace/{}/{}.py",
            WORDS[dice.roll(WORDS.len())],
            WORDS[dice.roll(WORDS.len())]
        );
        let (name, arguments) = match step % 5 {
            0 | 3 => (
                "execute_bash",
                format!(
                    "{{\"command\": \"grep -rn {} /workspace\"}}",
                    WORDS[dice.roll(24)]
                ),
            ),
            1 => (
                "str_replace_editor",
                format!("{{\"command\": \"view\", \"path\": \"{path}\"}}"),
            ),
            2 => (
                "str_replace_editor",
                format!(
                    "{{\"command\": \"str_replace\", \"path\": \"{path}\", \"old_str\": \"tide\", \"new_str\": \"ebb\"}}"
                ),
            ),
            _ => (
                "execute_bash",
                format!("{{\"command\": \"python -m pytest -q {path}\"}}"),
            ),
        };
        out.push_str(",{\"role\":\"assistant\",\"content\":");
        push_json(
            out,
            &format!("Let me look at the {} next.", WORDS[dice.roll(WORDS.len())]),
        );
        let _ok = write!(
            out,
            ",\"tool_calls\":[{{\"id\":\"call_{step}\",\"type\":\"function\",\"function\":{{\"name\":\"{name}\",\"arguments\":"
        );
        push_json(out, &arguments);
        let _ok = write!(
            out,
            "}}}}]}},{{\"role\":\"tool\",\"tool_call_id\":\"call_{step}\",\"content\":"
        );
        let wanted = if big > 0 && step == steps / 2 {
            big
        } else {
            400 + dice.roll(9000)
        };
        let text = observation(&mut dice, (step % 5 == 1).then_some(path.as_str()), wanted);
        push_json(out, &text);
        out.push('}');
    }
    out.push_str("],\"git_patch\":");
    push_json(
        out,
        "diff --git a/pier.py b/pier.py\n--- a/pier.py\n+++ b/pier.py\n@@ -1 +1,2 @@\n def moor(vessel):\n+    \"\"\"Moor the vessel.\"\"\"\n",
    );
    out.push_str("}\n");
}

/// Writes the file.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn generate(wanted: Wanted, path: &Path) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    let mut text = String::new();
    match wanted {
        Wanted::Bytes(bytes) => {
            let mut written = 0;
            let mut ix = 0;
            while written < bytes {
                let steps = 18 + Dice(ix as u64 + 77).roll(50);
                line(&mut text, ix, steps, 0);
                file.write_all(text.as_bytes())?;
                written += text.len() as u64;
                ix += 1;
            }
        }
        Wanted::Steps(steps) => {
            line(&mut text, 0, steps, 0);
            file.write_all(text.as_bytes())?;
        }
        Wanted::Observation(bytes) => {
            line(&mut text, 0, 40, bytes);
            file.write_all(text.as_bytes())?;
        }
    }
    file.flush()
}
