//! Makes `func_gen` tasks: functions whose body is to be written anew, with a program that tests it.
//!
//! A function takes part where it has a docstring and more than one statement, and where what it needs of its module can
//! be copied beside it: standard library imports, constants, functions and classes of the module. What depends on the
//! clock, chance, files or the process is left out by name. Its inputs are the examples of its docstring and the calls
//! with literal arguments that the repository has. A draft that is chosen is kept only if the published evaluator, asked
//! as for any trajectory, accepts the original twice and refuses the masked one.

mod calls;
mod doctest;
mod module;
mod nature;
mod script;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use ruff_python_ast::Expr;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::statement_visitor::StatementVisitor;
use ruff_python_ast::statement_visitor::walk_stmt;
use ruff_text_size::Ranged as _;

use crate::behave::is_test_file;
use crate::cancel::Cancel;
use crate::model::LineIx;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::model::Verdict;
use crate::python::Definition;
use crate::python::DefinitionKind;
use crate::python::Documented;
use crate::python::definitions::function_text;
use crate::python::definitions::mask_function;
use crate::python::repo::DefinitionId;
use crate::python::scope::taken;
use crate::python::scope::taken_by_defaults;
use crate::python::tree::with_module;
use crate::tasks::Draft;
use crate::tasks::Drafts;
use crate::tasks::Fields;
use crate::tasks::LeftOut;
use crate::tasks::Maker;
use crate::tasks::Seed;
use crate::tasks::func_gen::calls::Wanted;
use crate::tasks::func_gen::calls::literal_calls;
use crate::tasks::func_gen::doctest::Case;
use crate::tasks::func_gen::module::Closure;
use crate::tasks::func_gen::module::Module;
use crate::verify::Judgement;
use crate::verify::program::RunProgram;
use crate::verify::published;

/// How many cases a test program holds.
const MOST_CASES: usize = 24;

/// Why functions are left out.
mod reason {
    pub(super) const NO_TREE: &str = "its file does not parse";
    pub(super) const PLACE: &str = "it stands in a function, a nested class or a condition";
    pub(super) const AGAIN: &str = "its name is defined more than once";
    pub(super) const SHORT: &str = "its body is one statement";
    pub(super) const FORM: &str = "its form is none that the test can call: decorators, a coroutine, a special method, odd indentation";
    pub(super) const DEFAULTS: &str = "its defaults need what its module defines";
    pub(super) const IMPURE: &str = "its outcome depends on more than its arguments";
    pub(super) const FOREIGN: &str = "it needs modules beyond the standard library";
    pub(super) const TOO_LONG: &str = "it needs too much of its module";
    pub(super) const NO_INPUTS: &str = "no inputs for it are found";
    pub(super) const NOT_RUN: &str = "its test program was not run";
    pub(super) const FAILS: &str = "its test program fails the original";
    pub(super) const UNSTEADY: &str = "its test program passes the original only sometimes";
    pub(super) const PASSES: &str = "its test program passes an empty body";
    pub(super) const BREAKS: &str = "its file does not parse once it is masked as published";
    pub(super) const GONE: &str = "its file has changed";
}

/// A function for which a test is made: its name, or its class's and the method's.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    name: &'a str,
    method: Option<&'a str>,
}

/// Makes `func_gen` tasks.
#[derive(Clone)]
pub struct FuncGen {
    programs: Arc<dyn RunProgram + Send + Sync>,
}

impl fmt::Debug for FuncGen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuncGen").finish_non_exhaustive()
    }
}

impl FuncGen {
    /// Runs its test programs with `programs`.
    pub fn new(programs: Arc<dyn RunProgram + Send + Sync>) -> Self {
        Self { programs }
    }
}

/// A function with a docstring, in a file that is no test.
struct Candidate<'a> {
    id: DefinitionId,
    definition: &'a Definition,
    /// The class that it stands in, and whether either stands in something else.
    class: Option<&'a str>,
    is_nested: bool,
}

impl Maker for FuncGen {
    fn kind(&self) -> TaskKind {
        TaskKind::FuncGen
    }

    fn drafts(&self, seed: &Seed, cancel: &Cancel) -> Option<Drafts> {
        let files: Vec<(&str, Vec<Candidate<'_>>)> = candidates(seed).into_iter().collect();
        let wanted = files.iter().flat_map(|(_, all)| all).filter_map(wanted);
        let calls = literal_calls(seed, &wanted.collect(), cancel)?;
        let one = |(path, all): &(&str, Vec<Candidate<'_>>)| {
            (!cancel.is_cancelled()).then(|| drafts_of_file(seed, path, all, &calls))
        };
        let found: Option<Vec<Vec<Result<Draft, &'static str>>>> =
            files.par_iter().map(one).collect();
        let mut drafts = Drafts::default();
        for found in found?.into_iter().flatten() {
            match found {
                Ok(draft) => drafts.drafts.push(draft),
                Err(reason) => *drafts.left_out.entry(reason).or_default() += 1,
            }
        }
        Some(drafts)
    }

    fn finish(&self, seed: &Seed, draft: Draft, cancel: &Cancel) -> Result<Draft, LeftOut> {
        let left_out = |reason: &'static str, detail: &str| LeftOut {
            reason,
            detail: detail.to_owned(),
        };
        let source = seed
            .source(&draft.path)
            .map_err(|why| left_out(reason::GONE, &why))?;
        let name = draft.fields.get("func_name").and_then(Value::as_str);
        let name = name.unwrap_or_default();
        // as the harness cuts it out of a final file
        let original = function_text(&source, name);
        let masked = mask_function(&source, name).and_then(|text| function_text(&text, name));
        let original = original.ok_or_else(|| left_out(reason::GONE, ""))?;
        let masked = masked.ok_or_else(|| left_out(reason::BREAKS, ""))?;
        let task = Task::from_instance(Value::Object(draft.fields.clone()));
        let judge = |answer: String| {
            let attempt = Trajectory {
                task: Some(task.clone()),
                answer: Some(answer.into()),
                ..Trajectory::default()
            };
            published::judge(&attempt, Some(self.programs.as_ref()), cancel)
        };
        let first = judge(original.clone());
        match first.verdict {
            Verdict::Accept => {}
            Verdict::Reject => return Err(left_out(reason::FAILS, why(&first))),
            Verdict::Unjudged => return Err(left_out(reason::NOT_RUN, why(&first))),
        }
        let second = judge(original);
        match second.verdict {
            Verdict::Accept => {}
            Verdict::Reject => return Err(left_out(reason::UNSTEADY, why(&second))),
            Verdict::Unjudged => return Err(left_out(reason::NOT_RUN, why(&second))),
        }
        let third = judge(masked);
        match third.verdict {
            Verdict::Accept => Err(left_out(reason::PASSES, "")),
            Verdict::Reject => Ok(draft),
            Verdict::Unjudged => Err(left_out(reason::NOT_RUN, why(&third))),
        }
    }
}

fn why(judgement: &Judgement) -> &str {
    let first = judgement.evidence.first();
    first.map_or("", |evidence| evidence.why.as_str())
}

/// By path, then by line.
fn candidates(seed: &Seed) -> BTreeMap<&str, Vec<Candidate<'_>>> {
    let mut files: BTreeMap<&str, Vec<Candidate<'_>>> = BTreeMap::new();
    // definitions stand behind those they stand in: the outer ones of the file that is walked
    let mut outline: (&str, Vec<&Definition>) = ("", Vec::new());
    for found in seed.index.definitions() {
        if outline.0 != found.path {
            outline = (found.path, Vec::new());
        }
        outline.1.push(found.definition);
        let definition = found.definition;
        let is_documented = matches!(definition.documented, Documented::Yes(doc) if doc.has_word);
        if definition.kind != DefinitionKind::Function || !is_documented || is_test_file(found.path)
        {
            continue;
        }
        let parent = definition.parent.and_then(|ix| outline.1.get(ix));
        let is_class = parent.is_some_and(|parent| parent.kind == DefinitionKind::Class);
        files.entry(found.path).or_default().push(Candidate {
            id: found.id,
            definition,
            class: parent
                .filter(|_| is_class)
                .map(|parent| parent.name.as_str()),
            is_nested: parent.is_some_and(|parent| !is_class || parent.parent.is_some()),
        });
    }
    files
}

fn wanted(candidate: &Candidate<'_>) -> Option<(DefinitionId, Wanted)> {
    let name = candidate.definition.name.clone();
    let wanted = match candidate.class {
        Some(class) => Wanted {
            name: class.to_owned(),
            method: Some(name),
        },
        None => Wanted { name, method: None },
    };
    (!candidate.is_nested).then_some((candidate.id, wanted))
}

/// A text with the line ends that Python gives it.
fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

fn drafts_of_file(
    seed: &Seed,
    path: &str,
    candidates: &[Candidate<'_>],
    calls: &HashMap<DefinitionId, Vec<String>>,
) -> Vec<Result<Draft, &'static str>> {
    let source = seed.source(path).unwrap_or_default();
    let source = unix_lines(&source);
    let made = with_module(&source, |tree| {
        let module = Module::new(&source, tree);
        let one = |candidate: &Candidate<'_>| {
            let calls = calls.get(&candidate.id).map_or(&[][..], Vec::as_slice);
            draft(path, candidate, &module, calls)
        };
        candidates.iter().map(one).collect()
    });
    made.unwrap_or_else(|_no_tree| candidates.iter().map(|_| Err(reason::NO_TREE)).collect())
}

fn draft(
    path: &str,
    candidate: &Candidate<'_>,
    module: &Module<'_>,
    calls: &[String],
) -> Result<Draft, &'static str> {
    if candidate.is_nested {
        return Err(reason::PLACE);
    }
    let name = candidate.definition.name.as_str();
    let target = match candidate.class {
        Some(class) => Target {
            name: class,
            method: Some(name),
        },
        None => Target { name, method: None },
    };
    let found = find(module, target)?;
    let function = found.function;
    let source = module.source;
    let texts = texts(source, function).ok_or(reason::FORM)?;
    if statements(function) < 2 {
        return Err(reason::SHORT);
    }
    check_form(target, module, function)?;
    let closure = module.closure(found.part, target.method)?;
    let docstrings = [
        Some(texts.docstring.as_str()),
        found.class_docstring.as_deref(),
    ];
    let (cases, closure) = cases(&docstrings, calls, closure, target, module);
    if cases.is_empty() {
        return Err(reason::NO_INPUTS);
    }
    let method_start = target.method.map(|_| texts.start);
    let script = script::script(module, &closure, &target, &cases, method_start);
    let script = script.ok_or(reason::TOO_LONG)?;
    let func_name = match target.method {
        Some(method) => format!("{}.{method}", target.name),
        None => name.to_owned(),
    };
    let mut fields = Fields::new();
    for (key, value) in [
        ("file_path", path),
        ("func_name", func_name.as_str()),
        ("func_signature", texts.signature),
        ("docstring", texts.docstring.trim()),
        ("func_body", texts.body),
        ("eval_script", script.as_str()),
    ] {
        fields.insert(key.to_owned(), value.into());
    }
    Ok(Draft {
        path: path.to_owned(),
        line: LineIx(candidate.definition.header.0),
        stratum: match target.method {
            Some(_) => "method".to_owned(),
            None => "function".to_owned(),
        },
        fields,
    })
}

/// A function in its module's tree.
struct Found<'a> {
    /// The statement of the module that it is or stands in.
    part: usize,
    function: &'a StmtFunctionDef,
    class_docstring: Option<String>,
}

/// The one function of that name, where the published evaluator would find it.
fn find<'a>(module: &Module<'a>, target: Target<'_>) -> Result<Found<'a>, &'static str> {
    let part = match module.only_binder(target.name) {
        Some(part) => part,
        None if module.binds(target.name) => return Err(reason::AGAIN),
        None => return Err(reason::PLACE),
    };
    let statement = module.parts.get(part).map(|part| part.statement);
    match (statement, target.method) {
        (Some(Stmt::FunctionDef(function)), None) => Ok(Found {
            part,
            function,
            class_docstring: None,
        }),
        (Some(Stmt::ClassDef(class)), Some(method)) => {
            let functions = class.body.iter().filter_map(Stmt::as_function_def_stmt);
            let mut functions = functions.filter(|one| one.name.as_str() == method);
            match (functions.next(), functions.next()) {
                (Some(function), None) => Ok(Found {
                    part,
                    function,
                    class_docstring: docstring(&class.body).map(|(text, _)| text),
                }),
                (Some(_), Some(_)) => Err(reason::AGAIN),
                (None, _) => Err(reason::PLACE),
            }
        }
        _ => Err(reason::PLACE),
    }
}

/// The docstring of a body, and the byte behind it.
fn docstring(body: &[Stmt]) -> Option<(String, usize)> {
    let Some(Stmt::Expr(first)) = body.first() else {
        return None;
    };
    let Expr::StringLiteral(literal) = &*first.value else {
        return None;
    };
    let end = first.range().end().to_usize();
    Some((literal.value.to_str().to_owned(), end))
}

struct Texts<'a> {
    /// The byte of its `def`.
    start: usize,
    signature: &'a str,
    docstring: String,
    body: &'a str,
}

/// `None` for a function that is not written over lines of its own.
fn texts<'a>(source: &'a str, function: &StmtFunctionDef) -> Option<Texts<'a>> {
    let name = function.name.range().start().to_usize();
    let line = source.get(..name)?.rfind('\n').map_or(0, |at| at + 1);
    let header = source.get(line..name)?;
    let start = line + header.len() - header.trim_start().len();
    let first = function.body.first()?.range().start().to_usize();
    let (docstring, doc_end) = docstring(&function.body)?;
    let body_start = doc_end + source.get(doc_end..)?.find('\n')? + 1;
    let second = function.body.get(1)?.range().start().to_usize();
    let end = function.range().end().to_usize();
    let is_def = source.get(start..)?.starts_with("def ");
    (is_def && second >= body_start).then_some(Texts {
        start,
        signature: source.get(start..first)?.trim_end(),
        docstring,
        body: source.get(body_start..end)?,
    })
}

/// How many statements a function has, its docstring not counted.
fn statements(function: &StmtFunctionDef) -> usize {
    struct Count(usize);
    impl<'a> StatementVisitor<'a> for Count {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            self.0 += 1;
            walk_stmt(self, statement);
        }
    }
    let mut count = Count(0);
    count.visit_body(function.body.get(1..).unwrap_or_default());
    count.0
}

/// Whether the evaluator's way of putting a new function into the program leaves its meaning.
fn check_form(
    target: Target<'_>,
    module: &Module<'_>,
    function: &StmtFunctionDef,
) -> Result<(), &'static str> {
    let is_plain = |expr: &Expr| {
        matches!(expr, Expr::Name(name)
            if matches!(name.id.as_str(), "staticmethod" | "classmethod") && target.method.is_some())
    };
    let mut decorators = function.decorator_list.iter();
    if function.is_async
        || !decorators.all(|decorator| is_plain(&decorator.expression))
        || function.name.as_str().starts_with("__")
        || !target.name.is_ascii()
        || !function.name.as_str().is_ascii()
    {
        return Err(reason::FORM);
    }
    if target.method.is_none() {
        // it is put above everything but the imports
        let defaults = taken_by_defaults(&function.parameters);
        if !defaults
            .uses
            .iter()
            .all(|found| module.is_imported(found.name))
        {
            return Err(reason::DEFAULTS);
        }
    }
    let prints = |part: &Stmt| {
        let taken = taken(part);
        let mut uses = taken.uses.iter();
        uses.any(|found| found.name == "print" && !module.binds("print"))
    };
    if function.body.iter().any(prints) {
        return Err(reason::IMPURE);
    }
    Ok(())
}

/// The cases of docstrings and calls, and what they and the function need together.
fn cases(
    docstrings: &[Option<&str>],
    calls: &[String],
    mut closure: Closure,
    target: Target<'_>,
    module: &Module<'_>,
) -> (Vec<Case>, Closure) {
    let mut cases: Vec<Case> = Vec::new();
    for docstring in docstrings.iter().flatten() {
        let (more, needed) = doctest::cases(docstring, &target, module);
        cases.extend(more);
        closure.extend(needed);
    }
    for call in calls {
        cases.push(Case {
            lines: vec![format!("{}({call})", script::SEE)],
        });
    }
    let mut seen = HashSet::new();
    cases.retain(|case| seen.insert(case.lines.clone()));
    cases.truncate(MOST_CASES);
    (cases, closure)
}
