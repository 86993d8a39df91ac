//! Calls of functions with literal arguments, wherever a repository has them.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use ruff_python_ast::Arguments;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprCall;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_expr;
use ruff_text_size::Ranged as _;

use crate::cancel::Cancel;
use crate::python::repo::DefinitionId;
use crate::python::repo::Via;
use crate::python::tree::with_module;
use crate::tasks::Seed;
use crate::tasks::func_gen::script::METHOD;
use crate::tasks::func_gen::unix_lines;

/// How many calls are taken for one function.
const MOST: usize = 12;
/// How long the arguments of a call may be.
const MOST_BYTES: usize = 400;
/// Built-in names whose calls with literals are as plain as literals.
const CONSTRUCTORS: [&str; 14] = [
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "iter",
    "list",
    "range",
    "set",
    "str",
    "tuple",
];

/// A function whose calls are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its name, or its class's.
    pub(super) name: String,
    /// The method.
    pub(super) method: Option<String>,
}

/// Where calls of wanted functions stand, by file: the line, the bytes before the name on it, the function.
type Sites = BTreeMap<String, Vec<Site>>;
type Site = (usize, usize, DefinitionId);

/// Expressions that call each of the wanted functions, each once, by path and line. `None` when it was cancelled.
pub(super) fn literal_calls(
    seed: &Seed,
    wanted: &HashMap<DefinitionId, Wanted>,
    cancel: &Cancel,
) -> Option<HashMap<DefinitionId, Vec<String>>> {
    let sites: Vec<(String, Vec<Site>)> = sites(seed, wanted, cancel)?.into_iter().collect();
    let one = |(path, sites): &(String, Vec<Site>)| {
        if cancel.is_cancelled() {
            return None;
        }
        Some(calls_of_file(seed, path, sites, wanted))
    };
    let found: Option<Vec<Vec<(DefinitionId, String)>>> = sites.par_iter().map(one).collect();
    let mut calls: HashMap<DefinitionId, Vec<String>> = HashMap::new();
    for (id, text) in found?.into_iter().flatten() {
        let known = calls.entry(id).or_default();
        if known.len() < MOST && !known.contains(&text) {
            known.push(text);
        }
    }
    Some(calls)
}

fn sites(seed: &Seed, wanted: &HashMap<DefinitionId, Wanted>, cancel: &Cancel) -> Option<Sites> {
    let names: HashSet<&str> = wanted
        .values()
        .map(|one| one.method.as_deref().unwrap_or(&one.name))
        .collect();
    // what stands in a definition is looked at with it
    let outer: Vec<(DefinitionId, &str)> = seed
        .index
        .definitions()
        .filter(|found| found.definition.parent.is_none())
        .map(|found| (found.id, found.path))
        .collect();
    let one = |(id, path): &(DefinitionId, &str)| {
        if cancel.is_cancelled() {
            return None;
        }
        let mut found = Vec::new();
        for call in seed.index.calls_within(*id) {
            if let [target] = call.targets.as_slice()
                && call.is_sure
                && call.site.via == Via::Call
                && names.contains(call.name.as_str())
                && wanted.contains_key(target)
            {
                let site = call.site;
                found.push((
                    (*path).to_owned(),
                    (site.line.0, site.column_bytes, *target),
                ));
            }
        }
        Some(found)
    };
    let found: Option<Vec<_>> = outer.par_iter().map(one).collect();
    let mut sites = Sites::new();
    for (path, site) in found?.into_iter().flatten() {
        sites.entry(path).or_default().push(site);
    }
    Some(sites)
}

fn calls_of_file(
    seed: &Seed,
    path: &str,
    sites: &[Site],
    wanted: &HashMap<DefinitionId, Wanted>,
) -> Vec<(DefinitionId, String)> {
    let Ok(source) = seed.source(path) else {
        return Vec::new();
    };
    let source = unix_lines(&source);
    let starts: Vec<usize> = [0]
        .into_iter()
        .chain(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1))
        .collect();
    let place = |(line, column, id): &Site| starts.get(*line).map(|start| (start + column, *id));
    let sites: HashMap<usize, DefinitionId> = sites.iter().filter_map(place).collect();
    let found = with_module(&source, |module| {
        let mut reader = Reader {
            source: &source,
            sites: &sites,
            wanted,
            found: Vec::new(),
        };
        reader.visit_body(&module.body);
        reader.found
    });
    // in a file that does not parse there are none
    let mut found = found.unwrap_or_default();
    found.sort_by_key(|call| call.0);
    found.into_iter().map(|(_, id, text)| (id, text)).collect()
}

struct Reader<'s> {
    source: &'s str,
    sites: &'s HashMap<usize, DefinitionId>,
    wanted: &'s HashMap<DefinitionId, Wanted>,
    found: Vec<(usize, DefinitionId, String)>,
}

impl<'a> Visitor<'a> for Reader<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            let at = match &*call.func {
                Expr::Name(name) => Some(name.range().start().to_usize()),
                Expr::Attribute(found) => Some(found.attr.range().start().to_usize()),
                _ => None,
            };
            if let Some(at) = at
                && let Some(id) = self.sites.get(&at)
                && let Some(wanted) = self.wanted.get(id)
                && let Some(text) = self.text(call, wanted)
            {
                self.found.push((at, *id, text));
            }
        }
        walk_expr(self, expr);
    }
}

impl Reader<'_> {
    /// A call as an expression of the module in which the function stands.
    fn text(&self, call: &ExprCall, wanted: &Wanted) -> Option<String> {
        let arguments = self.arguments(&call.arguments)?;
        if wanted.method.is_none() {
            return Some(format!("{}{arguments}", wanted.name));
        }
        let Expr::Attribute(callee) = &*call.func else {
            return None;
        };
        let class = &wanted.name;
        match &*callee.value {
            Expr::Call(made) if is_named(&made.func, class) => {
                let made = self.arguments(&made.arguments)?;
                Some(format!("getattr({class}{made}, {METHOD}){arguments}"))
            }
            // an instance that lacks here fails either implementation
            other if is_named(other, class) => {
                Some(format!("getattr({class}, {METHOD}){arguments}"))
            }
            _ => None,
        }
    }

    /// Arguments in their brackets, where all are literals.
    fn arguments(&self, arguments: &Arguments) -> Option<String> {
        let is_plain = arguments.args.iter().all(is_literal)
            && arguments
                .keywords
                .iter()
                .all(|keyword| keyword.arg.is_some() && is_literal(&keyword.value));
        let range = arguments.range();
        let text = self
            .source
            .get(range.start().to_usize()..range.end().to_usize())?;
        (is_plain && text.len() <= MOST_BYTES).then(|| text.to_owned())
    }
}

/// Whether an expression is a name, by its last part.
fn is_named(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Name(found) => found.id.as_str() == name,
        Expr::Attribute(found) => found.attr.as_str() == name,
        _ => false,
    }
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::BytesLiteral(_)
        | Expr::BooleanLiteral(_)
        | Expr::NoneLiteral(_)
        | Expr::EllipsisLiteral(_) => true,
        Expr::UnaryOp(node) => is_literal(&node.operand),
        Expr::BinOp(node) => is_number(&node.left) && is_number(&node.right),
        Expr::List(node) => node.elts.iter().all(is_literal),
        Expr::Tuple(node) => node.elts.iter().all(is_literal),
        Expr::Set(node) => node.elts.iter().all(is_literal),
        Expr::Dict(node) => {
            let is_plain = |key: &Option<Expr>| key.as_ref().is_some_and(is_literal);
            node.items
                .iter()
                .all(|item| is_plain(&item.key) && is_literal(&item.value))
        }
        Expr::Call(node) => {
            let is_known = matches!(&*node.func, Expr::Name(name)
                if CONSTRUCTORS.binary_search(&name.id.as_str()).is_ok());
            is_known
                && node.arguments.args.iter().all(is_literal)
                && node
                    .arguments
                    .keywords
                    .iter()
                    .all(|keyword| keyword.arg.is_some() && is_literal(&keyword.value))
        }
        _ => false,
    }
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::NumberLiteral(_) => true,
        Expr::UnaryOp(node) => is_number(&node.operand),
        _ => false,
    }
}
