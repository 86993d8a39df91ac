//! Ground truth of `dep_search` tasks: functions with the definitions that they call directly.
//!
//! Source: Hybrid-Gym's published generator. A target is a function or method whose name does not begin with `_`. Its
//! dependencies are what the calls in its decorators and body resolve to (bare decorators and `raise E` are no calls
//! there), without names of Python's built-ins, itself, what is defined in it, and duplicates. Files that do not parse
//! take no part. Where a call has several meanings the published set takes the first; such functions can be left out.

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cancel::Cancel;
use crate::python::DefinitionKind;
use crate::python::repo::Repository;
use crate::python::repo::Via;
use crate::python::repo::thing::DefinitionId;

/// Which functions become candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The fewest dependencies.
    pub least: usize,
    /// The most dependencies.
    pub most: usize,
    /// Functions are left out of which a call can mean several definitions, or one of the repository or something else.
    pub only_sure: bool,
}

impl Default for Rules {
    /// The published set's one to three, of sure calls.
    fn default() -> Self {
        Self {
            least: 1,
            most: 3,
            only_sure: true,
        }
    }
}

/// A function from which a task can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The function.
    pub target: DefinitionId,
    /// What it calls, by place of the first call.
    pub dependencies: Vec<DefinitionId>,
}

/// All candidates of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepSearch {
    /// By path, then by line.
    pub candidates: Vec<Candidate>,
    /// Functions that have dependencies enough but were left out because a call is not sure.
    pub unsure_count: usize,
}

/// Finds all candidates; `None` when it was cancelled.
pub fn dep_search(repository: &Repository, rules: Rules, cancel: &Cancel) -> Option<DepSearch> {
    let targets: Vec<DefinitionId> = repository
        .definitions()
        .filter(|found| {
            found.definition.kind == DefinitionKind::Function
                && !found.definition.name.starts_with('_')
                && repository.parses(found.id)
        })
        .map(|found| found.id)
        .collect();
    let one = |target: &DefinitionId| {
        if cancel.is_cancelled() {
            return None;
        }
        Some((*target, truth(repository, *target)))
    };
    let found: Option<Vec<(DefinitionId, Truth)>> = targets.par_iter().map(one).collect();
    let mut all = DepSearch::default();
    for (target, truth) in found? {
        let count = truth.dependencies.len();
        if !(rules.least..=rules.most).contains(&count) {
            continue;
        }
        if rules.only_sure && !truth.is_sure {
            all.unsure_count += 1;
            continue;
        }
        all.candidates.push(Candidate {
            target,
            dependencies: truth.dependencies,
        });
    }
    Some(all)
}

struct Truth {
    dependencies: Vec<DefinitionId>,
    is_sure: bool,
}

fn truth(repository: &Repository, target: DefinitionId) -> Truth {
    let mut truth = Truth {
        dependencies: Vec::new(),
        is_sure: true,
    };
    for call in repository.calls_within(target) {
        if call.site.via != Via::Call || is_built_in(&call.name) {
            continue;
        }
        let parsed = |id: &&DefinitionId| repository.parses(**id);
        let Some(first) = call.targets.iter().find(parsed) else {
            continue;
        };
        if repository.is_inside(*first, target) {
            continue;
        }
        truth.is_sure &= call.is_sure;
        if !truth.dependencies.contains(first) {
            truth.dependencies.push(*first);
        }
    }
    truth
}

fn is_built_in(name: &str) -> bool {
    BUILT_INS.binary_search(&name).is_ok()
}

/// Python's built-in functions, types and exceptions, and the commonest names of `typing`, in the order of their
/// letters.
const BUILT_INS: [&str; 150] = [
    "Any",
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "BytesWarning",
    "Callable",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "DeprecationWarning",
    "Dict",
    "EOFError",
    "Ellipsis",
    "EnvironmentError",
    "Exception",
    "False",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "FutureWarning",
    "GeneratorExit",
    "IOError",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "KeyboardInterrupt",
    "List",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "None",
    "NotADirectoryError",
    "NotImplemented",
    "NotImplementedError",
    "OSError",
    "Optional",
    "OverflowError",
    "PendingDeprecationWarning",
    "PermissionError",
    "ProcessLookupError",
    "RecursionError",
    "ReferenceError",
    "ResourceWarning",
    "RuntimeError",
    "RuntimeWarning",
    "Set",
    "StopAsyncIteration",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "SystemExit",
    "TabError",
    "TimeoutError",
    "True",
    "Tuple",
    "Type",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "Union",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];
