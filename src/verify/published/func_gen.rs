//! `func_gen` as published: the generated function beside the original one in a test program, which has to exit with 0.
//!
//! Oddities that hold: a program that ends itself with 0 passes, the function is renamed by pattern wherever `def NAME(`
//! stands, and a method goes where `def NAME(` is first found behind four blanks.

use regex::Captures;
use regex::Regex;

use crate::cancel::Cancel;
use crate::model::Value;
use crate::model::Verdict;
use crate::text::excerpt;
use crate::verify::Evidence;
use crate::verify::Judgement;
use crate::verify::Sense;
use crate::verify::program::ProgramEnd;
use crate::verify::program::RunProgram;
use crate::verify::published::words::strip;
use crate::verify::published::words::strip_start;

/// Python's `\s`: the separators U+001C to U+001F are white space there.
const SPACE: &str = r"[\s\x1c-\x1f]";
/// The indent of a method.
const INDENT: usize = 4;

/// What an instance and a run give to the evaluator.
struct Parts<'a> {
    function: &'a str,
    script: &'a str,
    name: &'a str,
}

/// The published verdict; `function` is what was cut from the final file.
pub(super) fn judge(
    instance: &Value,
    function: Option<&str>,
    program: Option<&dyn RunProgram>,
    cancel: &Cancel,
) -> Judgement {
    let parts = match parts(instance, function) {
        Ok(parts) => parts,
        Err(reason) => {
            let why = match reason {
                "no_generated_function" => {
                    "the final file holds no such function, or does not parse"
                }
                "no_eval_script" => "the task has no test program",
                _ => "the task does not name its function",
            };
            return judgement(reason, None, Evidence::note(why));
        }
    };
    let Some(program) = program else {
        return Judgement::unjudged(
            "its test program was not run: `hgview verify` and `hgview export` run it, in a sandbox",
        );
    };
    match program.run(&test_program_of(&parts), cancel) {
        ProgramEnd::Refused(why) => Judgement::unjudged(why),
        ProgramEnd::TimedOut => judgement(
            "test_failed",
            Some(-1),
            Evidence::note("the test program did not end in time"),
        ),
        ProgramEnd::Exited { code: Some(0), .. } => judgement(
            "passed",
            Some(0),
            Evidence {
                sense: Sense::Hit,
                ..Evidence::note("the test program passes")
            },
        ),
        ProgramEnd::Exited { code, output } => {
            let last = output.lines().rev().find(|line| !strip(line).is_empty());
            let why = match last {
                Some(last) => format!("the test program fails: {}", excerpt(last, 120)),
                None => "the test program fails".to_owned(),
            };
            judgement("test_failed", code, Evidence::note(why))
        }
    }
}

fn judgement(reason: &str, code: Option<i32>, evidence: Evidence) -> Judgement {
    let passes = reason == "passed";
    let sense = if passes { Sense::Hit } else { Sense::Objection };
    Judgement {
        verdict: Verdict::of(passes),
        checks: vec![
            ("success", passes.into()),
            ("reason", reason.into()),
            ("returncode", code.into()),
        ],
        evidence: vec![Evidence { sense, ..evidence }],
    }
}

fn parts<'a>(instance: &'a Value, function: Option<&'a str>) -> Result<Parts<'a>, &'static str> {
    let text = |key: &str| {
        let text = instance.get(key).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    Ok(Parts {
        function: function
            .filter(|function| !function.is_empty())
            .ok_or("no_generated_function")?,
        script: text("eval_script").ok_or("no_eval_script")?,
        name: text("func_name").ok_or("no_func_name")?,
    })
}

/// The text of the test program; `None` where a part of it is missing.
pub(super) fn test_program(instance: &Value, function: Option<&str>) -> Option<String> {
    parts(instance, function)
        .ok()
        .map(|parts| test_program_of(&parts))
}

fn test_program_of(parts: &Parts<'_>) -> String {
    match parts.name.rsplit_once('.') {
        Some((class, method)) => program_of_method(parts, class, method),
        None => None,
    }
    .unwrap_or_else(|| program_of_function(parts))
}

fn program_of_function(parts: &Parts<'_>) -> String {
    let new_name = format!("{}_new_implementation", parts.name);
    let function = renamed(parts.function, parts.name, &new_name);
    let (imports, rest) = imports(parts.script);
    format!(
        "{imports}\n\n# Agent's generated function (renamed to {new_name})\n{function}\n\n# Original eval_script (original implementation and tests)\n{rest}\n"
    )
}

/// `None` where the script has no such method: the program is then made as for a function.
fn program_of_method(parts: &Parts<'_>, class: &str, method: &str) -> Option<String> {
    let new_name = format!("{method}_new_implementation");
    let function = indented(&renamed(parts.function, method, &new_name));
    let place = pattern(method, |method| {
        format!(r"((?:    @\w+.*\n)*)    def {method}{SPACE}*\(")
    })?;
    let found = place.captures(parts.script)?;
    let decorators = found.get(1).map_or("", |decorators| decorators.as_str());
    let (before, after) = parts.script.split_at_checked(found.get(0)?.start())?;
    let script = format!("{before}{decorators}{function}\n\n{after}");
    let (imports, rest) = imports(&script);
    Some(format!(
        "{imports}\n\n# Modified eval_script with agent's {new_name} inserted into {class} class\n{rest}\n"
    ))
}

/// The pattern that `of` makes around a name. The evaluator does not escape names, so that the dot of `Class.method` is
/// any character to it; a name that is no pattern stands for itself.
fn pattern(name: &str, of: impl Fn(&str) -> String) -> Option<Regex> {
    Regex::new(&of(name))
        .or_else(|_no_pattern| Regex::new(&of(&regex::escape(name))))
        .ok()
}

fn renamed(code: &str, name: &str, new_name: &str) -> String {
    let definition = pattern(name, |name| {
        format!(r"((?:async{SPACE}+)?def{SPACE}+){name}({SPACE}*\()")
    });
    let Some(definition) = definition else {
        return code.to_owned();
    };
    let replaced = definition.replace_all(code, |found: &Captures<'_>| {
        let part = |ix| found.get(ix).map_or("", |part| part.as_str());
        format!("{}{new_name}{}", part(1), part(2))
    });
    replaced.into_owned()
}

/// The code moved so that its first line is indented like a method; every other line keeps its distance from it.
fn indented(code: &str) -> String {
    let indent = |line: &str| line.chars().count() - strip_start(line).chars().count();
    let first = indent(code.split('\n').next().unwrap_or_default());
    if first == INDENT {
        return code.to_owned();
    }
    let lines = code.split('\n').map(|line| {
        if strip(line).is_empty() {
            line.to_owned()
        } else {
            let width = (INDENT + indent(line)).saturating_sub(first);
            format!("{}{}", " ".repeat(width), strip_start(line))
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The leading lines that are imports, comments or blank, and the rest.
fn imports(script: &str) -> (String, String) {
    let is_import = |line: &&str| {
        let line = strip(line);
        line.is_empty()
            || ["import ", "from ", "#"]
                .into_iter()
                .any(|start| line.starts_with(start))
    };
    let lines: Vec<&str> = script.split('\n').collect();
    let count = lines.iter().take_while(|line| is_import(line)).count();
    let (imports, rest) = lines.split_at(count);
    (imports.join("\n"), rest.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, function: &str, script: &str, want: &str) {
        let parts = Parts {
            function,
            script,
            name,
        };
        assert_eq!(test_program_of(&parts), want);
    }

    #[test]
    fn a_function_stands_between_imports_and_script() {
        check(
            "f",
            "async def  f (x):\n  return f(x)",
            "# a\n import b\n\nfromage = 1\n",
            "# a\n import b\n\n\n# Agent's generated function (renamed to f_new_implementation)\nasync def  f_new_implementation (x):\n  return f(x)\n\n# Original eval_script (original implementation and tests)\nfromage = 1\n\n",
        );
    }

    #[test]
    fn a_method_stands_before_the_original() {
        let script = "class A:\n    @static\n    @b(1)\n    def f(x):\n        pass\n";
        let want = "\n\n# Modified eval_script with agent's f_new_implementation inserted into A class\nclass A:\n    @static\n    @b(1)\n    def f_new_implementation(x):\n      return 1\n\n  # c\n\n    @static\n    @b(1)\n    def f(x):\n        pass\n\n";
        check(
            "A.f",
            "def f(x):\n  return 1\n\n# c",
            script,
            want.replace("\n  # c", "\n    # c").as_str(),
        );
    }

    #[test]
    fn a_method_that_the_script_lacks_is_a_function() {
        check(
            "A.f",
            "    def A_f(self): pass\n    def f(self): pass",
            "x = 1",
            "\n\n# Agent's generated function (renamed to A.f_new_implementation)\n    def A.f_new_implementation(self): pass\n    def f(self): pass\n\n# Original eval_script (original implementation and tests)\nx = 1\n",
        );
    }

    #[test]
    fn names_that_are_no_pattern_stand_for_themselves() {
        assert_eq!(renamed("def f(*():", "f(*", "g"), "def g():");
        assert_eq!(renamed("def\u{1c}f(", "f", "g"), "def\u{1c}g(");
    }

    /// A final file of any depth gives a function or none, and either has a verdict.
    #[test]
    fn deep_files_do_not_overflow() {
        let many = 100_000;
        let blocks: Vec<String> = (0..3_000)
            .map(|depth| format!("{}if x:\n", " ".repeat(depth)))
            .collect();
        for body in [
            format!("    return {}1{}\n", "(".repeat(many), ")".repeat(many)),
            format!("    return {}1{}\n", "[".repeat(many), "]".repeat(many)),
            format!("    return {}1\n", "-".repeat(many)),
            format!("    if x: {}\n", "lambda: ".repeat(many)),
            format!("    return {}\n", "{".repeat(many)),
            format!("    pass\n{}{}x\n", blocks.concat(), " ".repeat(3_000)),
            format!("    pass\n{}", "if x:\n ".repeat(many)),
        ] {
            let file = format!("def f():\n{body}");
            let cut = crate::python::definitions::function_text(&file, "f");
            let instance = serde_json::json!({"eval_script": "x", "func_name": "f"});
            for function in [cut.as_deref(), Some(file.as_str())] {
                let judged = judge(&instance, function, None, &Cancel::new());
                let is_missing =
                    judged.check("reason").and_then(Value::as_str) == Some("no_generated_function");
                assert_eq!(is_missing, function.is_none());
            }
        }
    }
}
