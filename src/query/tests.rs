use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;

use super::ast::NodeKind;
use super::ast::TermKind;
use super::*;

/// 2026-01-31T12:00Z.
const NOW: i64 = 1_769_860_800_000;

/// A record of named values; a step is a list of calls.
#[derive(Default)]
struct Made {
    fields: HashMap<String, Value<'static>>,
    steps: Option<Vec<Vec<Call>>>,
}

#[derive(Default, Clone)]
struct Call(Vec<(Fact, Value<'static>)>);

impl Record for Made {
    fn field(&self, name: &Name) -> Value<'_> {
        let found = self.fields.get(&name.to_string());
        found.cloned().unwrap_or(Value::Absent)
    }

    fn each_call(&self, visit: &mut dyn FnMut(usize, &dyn Step) -> ControlFlow<()>) -> bool {
        let Some(steps) = &self.steps else {
            return false;
        };
        for (number, calls) in steps.iter().enumerate() {
            for call in calls {
                if visit(number, call).is_break() {
                    return true;
                }
            }
        }
        true
    }
}

impl Step for Call {
    fn field(&self, fact: Fact) -> Value<'_> {
        let mut all = self.0.iter();
        let found = all.find(|(of, _)| *of == fact);
        found.map_or(Value::Absent, |(_, value)| value.clone())
    }
}

fn text(text: &'static str) -> Value<'static> {
    Value::Text(Cow::Borrowed(text))
}

fn call(cmd: &'static str, exit: f64) -> Call {
    Call(vec![
        (Fact::StepCmd, text(cmd)),
        (Fact::StepExit, Value::Number(exit)),
        (Fact::StepError, Value::Truth(exit > 0.0)),
    ])
}

fn made() -> Made {
    let fields = [
        ("id", text("o__r-1")),
        ("task", text("dep_search")),
        ("model", text("Qwen3-Coder")),
        ("path", text("runs/a b.jsonl")),
        ("steps", Value::Number(41.0)),
        ("actions", Value::Number(50.0)),
        ("failed_actions", Value::Number(0.0)),
        ("failure_rate", Value::Number(0.3)),
        ("duration", Value::Number(300.0)),
        ("resolved", Value::Truth(false)),
        ("published", text("accept")),
        ("strict", text("reject")),
        ("decided_at", Value::Number(1_769_860_800_000.0)),
        ("tag", Value::Many(vec![text("easy"), text("short")])),
        ("flag", Value::Many(Vec::new())),
        ("decision.ben", text("accept")),
        ("task.level", Value::Number(3.0)),
        ("task.name", text("x")),
        ("reward", Value::Number(f64::NAN)),
    ];
    Made {
        fields: fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        steps: Some(vec![
            vec![Call(vec![(Fact::StepKind, text("user"))])],
            vec![call("ls", 0.0)],
            vec![call("pytest -q", 1.0), call("cat x", 0.0)],
            vec![call("pytest -q", 0.0)],
        ]),
    }
}

#[track_caller]
fn query(text: &str) -> Query {
    Query::parse(text, NOW).unwrap_or_else(|err| panic!("{text}: {err:?}"))
}

#[track_caller]
fn admits(text: &str, want: bool) {
    assert_eq!(query(text).admits(&made()), want, "{text}");
}

#[test]
fn comparisons_go_by_the_type_of_the_field() {
    for taken in [
        "task = dep_search",
        "task = DEP_SEARCH",
        "task != func_gen",
        "task in (func_gen, dep_search)",
        "task not in (func_gen, issue)",
        "task ~ ^dep",
        "steps > 40",
        "steps = 41",
        "steps==41",
        "steps>40 and steps<42",
        "steps < 1k",
        "duration >= 5m",
        "duration = 300",
        "failure_rate > 25%",
        "failure_rate = 0.3",
        "resolved = false",
        "resolved != true",
        "path = \"runs/a b.jsonl\"",
        "path ~ 'a b'",
        "path !~ c",
        "model ~ qwen",
        "model ~ Qwen",
        "decided_at = today",
        "decided_at = 2026-01-31",
        "decided_at <= 2026-01-31",
        "decided_at >= 2026-01-31",
        "decided_at > -1d",
        "decided_at > yesterday",
        "decided_at = 2026-01-31T12:00",
        "tag = easy",
        "tag != hard",
        "tag ~ ^sh",
        "flag != loop",
        "flag !~ .",
        "published != strict",
        "actions > steps",
        "decision.ben = accept",
        "decision.ben = published",
        "task.level = 3",
        "task.level > 2",
        "task.name = x",
        "task.none_such = none",
        "cost = none",
        "steps != none",
    ] {
        admits(taken, true);
    }
    for left in [
        "task = issue",
        "model ~ QWEN",
        "steps >= 42",
        "tag = hard",
        "tag != easy",
        "flag = loop",
        "decided_at < today",
        "decided_at > today",
        "decided_at = yesterday",
        "resolved = true",
        "published = strict",
        "decision = accept",
        "task.level = x",
        "steps = none",
    ] {
        admits(left, false);
    }
}

#[test]
fn the_unknown_satisfies_no_comparison_and_no_negated_one() {
    for left in [
        "cost > 1",
        "cost <= 1",
        "not cost > 1",
        "not cost <= 1",
        "cost != 1",
        "not cost = 1",
        "decision != accept",
        "decision not in (accept)",
        "model !~ x and note !~ x",
        "cost < duration",
        "reward > 0",
        "reward = 0",
        "reward != 0",
        "not reward > 0",
        "task.none_such != 3",
    ]
    .into_iter()
    .filter(|text| *text != "cost < duration")
    {
        admits(left, false);
    }
    // but one side may decide
    admits("cost > 1 or steps > 1", true);
    admits("not (cost > 1 and steps > 100)", true);
    // and a field by itself is always known
    for (text, want) in [
        ("decision", false),
        ("not decision", true),
        ("not not decision", false),
        ("resolved", false),
        ("not resolved", true),
        ("failed_actions", false),
        ("steps", true),
        ("tag", true),
        ("flag", false),
        ("not flag", true),
        ("reward", false),
    ] {
        admits(text, want);
    }
}

#[test]
fn functions_look_at_one_call_at_a_time() {
    for (text, want) in [
        ("any(step.cmd ~ pytest and step.exit != 0)", true),
        ("any(step.cmd ~ cat and step.exit != 0)", false),
        // what has no command is passed over: it neither runs pytest nor fails to
        ("not any(step.cmd ~ tox)", true),
        ("all(step.exit = 0)", false),
        ("all(step.exit < 2)", true),
        ("all(step.kind != system)", true),
        ("count(step.error) = 1", true),
        ("count(step.exit >= 0) = 3", true),
        ("count(step.cmd ~ pytest) >= 2", true),
        ("first(step.cmd ~ pytest) = 2", true),
        ("last(step.cmd ~ pytest) = 3", true),
        ("first(step.cmd ~ tox) > 0", false),
        ("first(step.kind = user)", true),
        ("first(step.cmd ~ tox)", false),
        ("not last(step.cmd ~ tox)", true),
        ("any(step.error) = true", true),
        ("any(step.error and task = dep_search)", true),
        ("count(step.error)", true),
        ("any(not step.cmd)", true),
    ] {
        admits(text, want);
    }
    let unread = Made::default();
    for text in [
        "any(step.error)",
        "not any(step.error)",
        "all(step.error)",
        "count(step.error) = 0",
    ] {
        assert!(
            !query(text).admits(&unread),
            "{text}: its steps are not known"
        );
    }
}

#[track_caller]
fn fails(text: &str, at: (usize, usize), what: &str, hint: &str) {
    let error = Query::parse(text, NOW).unwrap_err();
    assert_eq!((error.span.start, error.span.end), at, "{text}: {error}");
    assert_eq!(error.what, what, "{text}");
    assert_eq!(error.hint.as_deref().unwrap_or_default(), hint, "{text}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn errors_point_at_the_place_and_say_what_was_meant() {
    fails(
        "stpes > 4",
        (0, 5),
        "there is no field `stpes`",
        "did you mean `steps`?",
    );
    fails(
        "task_type = issue",
        (0, 9),
        "there is no field `task_type`",
        "`task` is what the task asks for",
    );
    fails(
        "dep_search",
        (0, 10),
        "there is no field `dep_search`",
        "did you mean `task = dep_search`?",
    );
    fails(
        "steps ~ \"4\"",
        (0, 11),
        "`steps` is a number; `~` wants text",
        "",
    );
    fails(
        "model < x",
        (0, 9),
        "`model` is text; `<` wants a number or a date",
        "",
    );
    fails(
        "steps > 5m",
        (8, 10),
        "`5m` is a time, `steps` is a number",
        "for example `40, 40k, 1.5M`",
    );
    fails(
        "task = dep_serch",
        (7, 16),
        "`dep_serch` is no task type",
        "did you mean `dep_search`?",
    );
    fails(
        "step.cmd ~ x",
        (0, 8),
        "`step.cmd` is about one step",
        "say which: `any(step.cmd …)`, `all(step.cmd …)`, `count(step.cmd …) > 3`",
    );
    fails(
        "any(count(step.error) > 1)",
        (4, 21),
        "`count` stands inside another function",
        "a step has no steps; join two functions by `and`",
    );
    fails(
        "any",
        (0, 3),
        "`any` wants a condition about steps in brackets",
        "for example `any(step.error)`",
    );
    fails(
        "",
        (0, 0),
        "there is no condition",
        "for example `steps > 40 and not decision`",
    );
    fails("steps > ", (8, 8), "a value is missing behind `>`", "");
    fails(
        "steps > 4 and",
        (13, 13),
        "a condition is missing at the end",
        "",
    );
    fails(
        "steps > 4 tag = x",
        (10, 13),
        "`and` or `or` is missing before this",
        "a value of several words stands in quotes",
    );
    fails("(steps > 4", (0, 1), "this bracket is not closed", "");
    fails("steps > 4)", (9, 10), "this bracket closes nothing", "");
    fails(
        "steps > 4 && flag",
        (10, 12),
        "`&&` means nothing",
        "write `and`",
    );
    fails("!flag", (0, 1), "`!` means nothing", "write `not`");
    fails(
        "id = \"x",
        (5, 7),
        "this quote does not end",
        "\" ends it; \\\" stands for the quote itself",
    );
    fails(
        "id ~ \"(\"",
        (5, 8),
        "`(` is no regular expression: unclosed group",
        "",
    );
    fails(
        "tag in x",
        (7, 8),
        "`in` wants values in brackets",
        "for example `task in (dep_search, func_gen)`",
    );
    fails(
        "resolved = maybe",
        (11, 16),
        "`resolved` is true or false, `maybe` is not",
        "for example `true`",
    );
    let deep = format!("{}steps", "not ".repeat(100));
    assert!(Query::parse(&deep, NOW).unwrap_err().what.contains("deep"));
    let deep = format!("{}steps{}", "(".repeat(9000), ")".repeat(9000));
    assert!(Query::parse(&deep, NOW).unwrap_err().what.contains("deep"));
    assert!(Query::parse(&"x".repeat(MOST_BYTES + 1), NOW).is_err());
}

#[test]
fn an_error_shows_its_column() {
    let text = "model = ünï\nand stpes > 4";
    let error = Query::parse(text, NOW).unwrap_err();
    assert_eq!((error.column(text), error.mark(text)), (17, (16, 5)));
    let shown = error.into_error(text, "--where").to_string();
    let want = "--where, column 17: there is no field `stpes`\n  model = ünï and stpes > 4\n                  ^^^^^";
    assert_eq!(shown, want);
}

#[test]
fn the_cheapest_is_asked_first() {
    struct Counting(std::cell::Cell<usize>);
    impl Record for Counting {
        fn field(&self, name: &Name) -> Value<'_> {
            assert_eq!(name.field.cost, Cost::Summary, "{name}");
            Value::Number(1.0)
        }
        fn each_call(&self, _: &mut dyn FnMut(usize, &dyn Step) -> ControlFlow<()>) -> bool {
            self.0.set(self.0.get() + 1);
            true
        }
    }
    let record = Counting(std::cell::Cell::new(0));
    let query = query("any(step.error) and published = accept and patch ~ x and steps > 40");
    assert!(!query.admits(&record));
    assert_eq!((record.0.get(), query.cost()), (0, Cost::Whole));
}

#[track_caller]
fn completes(query: &str, span: (usize, usize), first: &[&str]) {
    // `|` is the cursor
    let cursor = query.find('|').unwrap();
    let query = query.replacen('|', "", 1);
    let found = complete(&query, cursor);
    assert_eq!((found.span.start, found.span.end), span, "{query}");
    let texts: Vec<&str> = found
        .candidates
        .iter()
        .map(|one| one.text.as_str())
        .collect();
    let shown = texts.get(..first.len().min(texts.len())).unwrap();
    assert_eq!(shown, first, "{query}: {texts:?}");
}

#[test]
fn completion_knows_what_is_wanted() {
    completes("|", (0, 0), &["id", "task_id", "task"]);
    completes("ste|", (0, 3), &["steps"]);
    completes("ste|ps > 4", (0, 5), &["steps"]);
    completes("task |", (5, 5), &["=", "!=", "~"]);
    completes("task = d|", (7, 8), &["dep_search"]);
    completes("task = |", (7, 7), &["func_localize", "dep_search"]);
    completes(
        "task in (dep_search, f|",
        (21, 22),
        &["func_localize", "func_gen"],
    );
    completes("steps > 4 |", (10, 10), &["and", "or"]);
    completes("any(|", (4, 4), &["step.n", "step.kind"]);
    completes(
        "any(step.c|",
        (4, 10),
        &["step.class", "step.component", "step.cmd"],
    );
    completes("count(step.error) |", (18, 18), &["=", "!=", "<"]);
    completes("any(step.error |", (15, 15), &["=", "!=", "and", "or", ")"]);
    completes("any(step.kind = agent) and publ|", (27, 31), &["published"]);
    completes("decided_at > |", (13, 13), &["today"]);
    completes("resolved = t|", (11, 12), &["true"]);
    completes("cmd|", (0, 3), &[]);
    completes("id = \"x|", (0, 0), &[]);
}

#[test]
fn fields_have_names_of_their_own() {
    let all: Vec<&Field> = FIELDS.iter().chain(STEP_FIELDS).collect();
    for field in &all {
        let same = all
            .iter()
            .filter(|other| other.name == field.name && other.param == field.param);
        assert_eq!(same.count(), 1, "{}", field.name);
        assert!(!field.doc.is_empty() && !field.doc.ends_with('.'));
        for other in field.also {
            assert!(
                all.iter().all(|one| one.name != *other),
                "{other} is a name and a hint"
            );
        }
    }
}

#[test]
fn an_explanation_says_types_and_units() {
    let query = query("duration > 5m and not (tag = x or any(step.cmd ~ pytest))");
    let lines: Vec<String> = query
        .explained()
        .iter()
        .map(|line| format!("{}{}: {}", "  ".repeat(line.depth), line.text, line.meaning))
        .collect();
    let want = [
        "and: all of these hold",
        "  duration > 5m: duration (time: wall-clock time from the first to the last step) is more than 300 seconds",
        "  not: this is known and does not hold",
        "    or: one of these holds",
        "      tag = x: tag (text, several: tags) one of the values is “x”",
        "      any(step.cmd ~ pytest): any (there is a step for which it holds) is true",
        "        step.cmd ~ pytest: step.cmd (text: the command) matches /pytest/, in any case",
    ];
    assert_eq!(lines, want);
}

/// Words that queries are made of, and some that they are not.
const SOUP: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "(",
    ")",
    ",",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "~",
    "!~",
    "any(",
    "all(",
    "count(",
    "first(",
    "last(",
    "steps",
    "task",
    "tag",
    "task.x",
    "decision.ada",
    "cost",
    "resolved",
    "step.cmd",
    "step.exit",
    "step.error",
    "flag",
    "decided_at",
    "40",
    "5m",
    "$0.5",
    "40%",
    "today",
    "-7d",
    "none",
    "true",
    "dep_search",
    "\"a b\"",
    "'x\\'y'",
    "\"",
    "'",
    "\\",
    "é",
    "日本",
    "\u{202e}",
    "\u{0}",
    "\n",
    "&&",
    "!",
    "|",
    "[",
    "a{999}",
    "step.",
    ".",
    "-",
];

struct Random(TestRng);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        use proptest::prelude::Rng as _;
        usize::try_from(self.0.next_u64() % bound as u64).unwrap()
    }

    fn soup(&mut self) -> String {
        let count = self.below(14);
        let words = (0..count).map(|_| SOUP[self.below(SOUP.len())]);
        let glue = ["", " ", " ", " "];
        let words: Vec<&str> = words.collect();
        let mut text = String::new();
        for word in words {
            text.push_str(word);
            text.push_str(glue[self.below(4)]);
        }
        text
    }

    /// A condition that is right.
    fn valid(&mut self, depth: usize, is_inside: bool) -> String {
        let leaf = [
            "steps > 40",
            "task = dep_search",
            "tag in (a, \"b c\", 'd')",
            "not decision",
            "cost <= $1.5 ",
            "path !~ 'x\\'y'",
            "decided_at > -7d",
            "task.level=3",
            "model not in (x)",
            "flag",
        ];
        let of_step = [
            "step.cmd ~ \"py\\\"test\"",
            "step.exit != 0",
            "step.error",
            "not step.cmd",
        ];
        match self.below(if depth == 0 { 2 } else { 7 }) {
            0 if is_inside => of_step[self.below(of_step.len())].to_owned(),
            0 | 1 => leaf[self.below(leaf.len())].to_owned(),
            2 => format!(
                "{} and {}",
                self.valid(depth - 1, is_inside),
                self.valid(depth - 1, is_inside)
            ),
            3 => format!(
                "{} or {}",
                self.valid(depth - 1, is_inside),
                self.valid(depth - 1, is_inside)
            ),
            4 => format!("not {}", self.valid(depth - 1, is_inside)),
            5 if !is_inside => format!("count({}) >= 2", self.valid(depth - 1, true)),
            _ => format!("({})", self.valid(depth - 1, is_inside)),
        }
    }

    /// The same with a few letters changed.
    fn mutated(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(3) {
            let at = self.below(chars.len() + 1);
            match self.below(3) {
                0 if at < chars.len() => drop(chars.remove(at)),
                1 => {
                    let word = SOUP[self.below(SOUP.len())];
                    chars.splice(at..at, word.chars());
                }
                _ if at < chars.len() => {
                    chars[at] = char::from(32 + u8::try_from(self.below(95)).unwrap());
                }
                _ => {}
            }
        }
        chars.into_iter().collect()
    }
}

/// The tree without places.
fn bare(mut node: ast::Node) -> ast::Node {
    fn term(term: &mut ast::Term) {
        term.span = 0..0;
        if let TermKind::Call(_, inner) = &mut term.kind {
            strip(inner);
        }
    }
    fn strip(node: &mut ast::Node) {
        node.span = 0..0;
        match &mut node.kind {
            NodeKind::Or(parts) | NodeKind::And(parts) => {
                for part in parts {
                    strip(part);
                }
            }
            NodeKind::Not(inner) => strip(inner),
            NodeKind::Bare(one) => term(one),
            NodeKind::Compare(one, _, atom) => {
                term(one);
                atom.span = 0..0;
            }
            NodeKind::In(one, _, atoms) => {
                term(one);
                for atom in atoms {
                    atom.span = 0..0;
                }
            }
        }
    }
    strip(&mut node);
    node
}

/// Whatever is typed: nothing panics, places are inside, what parses prints as itself and has an answer.
#[track_caller]
fn holds_for(text: &str) -> bool {
    for cursor in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
        let span = complete(text, cursor).span;
        assert!(text.get(span).is_some(), "{text:?} at {cursor}");
    }
    if let Ok(tree) = parse(text) {
        assert!(text.get(tree.span.clone()).is_some(), "{text:?}");
        let printed = tree.to_string();
        let again = parse(&printed).unwrap_or_else(|err| panic!("{text:?} {printed:?} {err}"));
        assert_eq!(bare(again), bare(tree), "{text:?} {printed:?}");
    }
    match Query::parse(text, NOW) {
        Ok(query) => {
            assert!(!query.explained().is_empty());
            query.admits(&made());
            query.admits(&Made::default());
            true
        }
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some(), "{text:?} {error:?}");
            assert!(error.column(text) <= text.chars().count() + 1);
            assert!(!error.what.is_empty() && !error.to_string().contains("\n\n"));
            false
        }
    }
}

#[test]
fn whatever_is_typed_is_answered() {
    let seed = [7; 32];
    let mut random = Random(TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let mut valid = 0;
    for _ in 0..800 {
        holds_for(&random.soup());
        let depth = random.below(4);
        let text = random.valid(depth, false);
        assert!(holds_for(&text), "{text}");
        valid += usize::from(holds_for(&random.mutated(&text)));
    }
    assert!(valid > 40, "some mutations are queries: {valid}");
}
