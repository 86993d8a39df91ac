//! What of a module one of its functions needs to run apart from it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use ruff_python_ast::Expr;
use ruff_python_ast::ModModule;
use ruff_python_ast::Stmt;
use ruff_text_size::Ranged as _;

use crate::python::scope::Imported;
use crate::python::scope::Taken;
use crate::python::scope::bound;
use crate::python::scope::imported;
use crate::python::scope::imported_from;
use crate::python::scope::taken;
use crate::tasks::func_gen::nature::Nature;
use crate::tasks::func_gen::nature::is_importable;
use crate::tasks::func_gen::nature::is_impure_built_in;
use crate::tasks::func_gen::nature::nature;
use crate::tasks::func_gen::reason;

/// More statements than these are no small piece of a module any more.
const MOST_PARTS: usize = 120;
/// How many things that may not be needed are looked at for one function.
const MOST_LOOKS: usize = 200;

/// A statement of a module, in its order.
pub(super) struct Part<'a> {
    pub(super) statement: &'a Stmt,
    /// Its text, with its decorators.
    pub(super) text: &'a str,
    /// Its first byte in the module.
    pub(super) start: usize,
    taken: Taken<'a>,
    /// What it brings, where it is an import and nothing else.
    imports: Option<Vec<Imported<'a>>>,
}

/// A module, statement by statement.
pub(super) struct Module<'a> {
    pub(super) source: &'a str,
    pub(super) parts: Vec<Part<'a>>,
    /// By name, the statements that bind it.
    binders: HashMap<&'a str, Vec<usize>>,
    /// What was found out of statements that need not run.
    known: RefCell<HashMap<usize, Option<Closure>>>,
}

/// Statements that need nothing beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Closure {
    /// As indices into the module's.
    pub(super) parts: BTreeSet<usize>,
    /// Imports, as the index of their statement and their place in it.
    imports: BTreeSet<(usize, usize)>,
}

impl Closure {
    /// Adds all of another.
    pub(super) fn extend(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.imports.extend(other.imports);
    }
}

/// A name with the attributes that are taken of it, looked up where nothing but the module is around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) name: String,
    pub(super) attributes: String,
}

impl<'a> Module<'a> {
    /// Of a tree and its text.
    pub(super) fn new(source: &'a str, tree: &'a ModModule) -> Self {
        let mut parts = Vec::new();
        let mut binders: HashMap<&str, Vec<usize>> = HashMap::new();
        for statement in &tree.body {
            let range = statement.range();
            let (start, end) = (range.start().to_usize(), range.end().to_usize());
            // what runs as a program is not the module's
            let is_program = is_main(statement);
            if !is_program {
                let mut names = bound(std::slice::from_ref(statement));
                names.sort_unstable();
                names.dedup();
                for name in names {
                    binders.entry(name).or_default().push(parts.len());
                }
            }
            parts.push(Part {
                statement,
                text: source.get(start..end).unwrap_or_default(),
                start,
                taken: taken(statement),
                imports: match statement {
                    Stmt::Import(node) => Some(imported(node)),
                    Stmt::ImportFrom(node) => Some(imported_from(node)),
                    _ => None,
                },
            });
        }
        Self {
            source,
            parts,
            binders,
            known: RefCell::default(),
        }
    }

    /// The one statement that binds a name; `None` where several do, or none.
    pub(super) fn only_binder(&self, name: &str) -> Option<usize> {
        match self.binders.get(name).map(Vec::as_slice) {
            Some([one]) => Some(*one),
            _ => None,
        }
    }

    /// Whether the module binds a name.
    pub(super) fn binds(&self, name: &str) -> bool {
        self.binders.contains_key(name)
    }

    /// Whether a name is an import and nothing else, or none of the module's.
    pub(super) fn is_imported(&self, name: &str) -> bool {
        let binders = self.binders.get(name).map_or(&[][..], Vec::as_slice);
        let mut parts = binders.iter().filter_map(|ix| self.parts.get(*ix));
        parts.all(|part| part.imports.is_some())
    }

    /// What a statement needs, itself included. In a class, the bodies of methods other than `method` need not run: what
    /// they lack is let go.
    ///
    /// # Errors
    /// Why it cannot run apart from its module.
    pub(super) fn closure(&self, ix: usize, method: Option<&str>) -> Result<Closure, &'static str> {
        let mut closure = self.strict(ix, method)?;
        self.add_loose(&mut closure, method.map(|method| (ix, method)));
        Ok(closure)
    }

    /// What a name needs.
    ///
    /// # Errors
    /// Why it cannot be had apart from its module.
    pub(super) fn closure_of(&self, need: &Need) -> Result<Closure, &'static str> {
        let mut closure = Closure::default();
        let mut waiting = Vec::new();
        self.resolve(&need.name, &need.attributes, &mut closure, &mut waiting)?;
        for ix in waiting {
            closure.extend(self.closure(ix, None)?);
        }
        Ok(closure)
    }

    fn strict(&self, start: usize, method: Option<&str>) -> Result<Closure, &'static str> {
        let mut closure = Closure::default();
        let mut waiting = vec![start];
        while let Some(ix) = waiting.pop() {
            if !closure.parts.insert(ix) {
                continue;
            }
            let Some(part) = self.parts.get(ix) else {
                continue;
            };
            if closure.parts.len() > MOST_PARTS {
                return Err(reason::TOO_LONG);
            }
            let runs = |own: Option<&str>| own.is_none() || (ix == start && own == method);
            for import in part.taken.imports.iter().filter(|one| runs(one.method)) {
                pure(&import.origin)?;
            }
            for found in &part.taken.uses {
                if runs(found.method) && !found.is_annotation {
                    self.resolve(found.name, &found.attributes, &mut closure, &mut waiting)?;
                }
            }
        }
        Ok(closure)
    }

    /// Looks a name up: imports are noted, other statements that bind it wait for their turn.
    fn resolve(
        &self,
        name: &str,
        attributes: &str,
        closure: &mut Closure,
        waiting: &mut Vec<usize>,
    ) -> Result<(), &'static str> {
        let Some(binders) = self.binders.get(name) else {
            return if is_impure_built_in(name) {
                Err(reason::IMPURE)
            } else {
                Ok(())
            };
        };
        for ix in binders {
            let Some(part) = self.parts.get(*ix) else {
                continue;
            };
            let Some(imports) = &part.imports else {
                if !closure.parts.contains(ix) {
                    waiting.push(*ix);
                }
                continue;
            };
            for (place, import) in imports.iter().enumerate() {
                if import.bound != name {
                    continue;
                }
                if attributes.is_empty() {
                    pure(&import.origin)?;
                } else {
                    pure(&format!("{}.{attributes}", import.origin))?;
                }
                closure.imports.insert((*ix, place));
            }
        }
        Ok(())
    }

    /// Adds what bodies of methods would need if they ran, as far as it can be had.
    fn add_loose(&self, closure: &mut Closure, target: Option<(usize, &str)>) {
        let mut looked: HashSet<&str> = HashSet::new();
        let mut parts: Vec<usize> = closure.parts.iter().copied().collect();
        while let Some(ix) = parts.pop() {
            let Some(part) = self.parts.get(ix) else {
                continue;
            };
            for found in &part.taken.uses {
                let is_loose = found.is_annotation || found.method.is_some();
                let is_target = found.method.map(|method| (ix, method)) == target;
                if !is_loose || (is_target && target.is_some()) || looked.len() > MOST_LOOKS {
                    continue;
                }
                let mut one = Closure::default();
                let mut waiting = Vec::new();
                if self
                    .resolve(found.name, &found.attributes, &mut one, &mut waiting)
                    .is_err()
                {
                    continue;
                }
                closure.imports.extend(one.imports);
                if !looked.insert(found.name) {
                    continue;
                }
                for ix in waiting {
                    let Some(more) = self.known_closure(ix) else {
                        continue;
                    };
                    if closure.parts.len() + more.parts.len() > MOST_PARTS {
                        continue;
                    }
                    parts.extend(more.parts.difference(&closure.parts));
                    closure.extend(more);
                }
            }
        }
    }

    fn known_closure(&self, ix: usize) -> Option<Closure> {
        if let Some(known) = self.known.borrow().get(&ix) {
            return known.clone();
        }
        let found = self.strict(ix, None).ok();
        self.known.borrow_mut().insert(ix, found.clone());
        found
    }

    /// The lines that import what a closure needs, and what else the module imports without effect: whoever writes the
    /// function anew may use it. One a line, as the published evaluator takes no others for imports.
    pub(super) fn import_lines(&self, closure: &Closure) -> Vec<&str> {
        let mut lines: Vec<&str> = Vec::new();
        for (ix, part) in self.parts.iter().enumerate() {
            for (place, import) in part.imports.iter().flatten().enumerate() {
                let is_needed = closure.imports.contains(&(ix, place));
                if (is_needed || is_free(import)) && !lines.contains(&import.line.as_str()) {
                    lines.push(&import.line);
                }
            }
        }
        lines
    }
}

/// Whether an import can stand in a program that does not need it: what is for annotations only is not worth its failing
/// with another Python.
fn is_free(import: &Imported<'_>) -> bool {
    const LEFT_OUT: [&str; 4] = ["__future__", "collections", "types", "typing"];
    let root = import.origin.split('.').next().unwrap_or_default();
    let is_member = import.line.starts_with("from ");
    is_importable(&import.origin)
        && import.bound != "*"
        && root != "__future__"
        && !(is_member && LEFT_OUT.contains(&root))
}

fn pure(dotted: &str) -> Result<(), &'static str> {
    match nature(dotted) {
        Nature::Pure => Ok(()),
        Nature::Impure => Err(reason::IMPURE),
        Nature::Foreign => Err(reason::FOREIGN),
    }
}

/// `if __name__ == '__main__':`
fn is_main(statement: &Stmt) -> bool {
    let Stmt::If(node) = statement else {
        return false;
    };
    let Expr::Compare(test) = &*node.test else {
        return false;
    };
    let is_name = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == "__name__");
    is_name(&test.left) || test.comparators.iter().any(is_name)
}
