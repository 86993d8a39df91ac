//! Which bindings of a name a use can see.

use crate::python::repo::facts::Binding;
use crate::python::repo::facts::BlockIx;
use crate::python::repo::facts::Body;
use crate::python::repo::facts::Facts;
use crate::python::repo::facts::Manner;
use crate::python::repo::facts::NameIx;
use crate::python::repo::facts::ScopeIx;
use crate::python::repo::facts::ScopeKind;
use crate::python::repo::facts::Use;
use crate::python::repo::facts::Value;
use crate::python::repo::facts::named;

/// More alternatives are not looked at.
const MOST_BINDINGS: usize = 16;

/// The bindings that a use can mean, the latest first.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    pub(super) bindings: Vec<&'a Binding>,
    /// None of them surely ran: the name may mean something from further out.
    pub(super) is_open: bool,
    /// The scope that binds the name, if any does.
    pub(super) scope: Option<ScopeIx>,
}

impl Facts {
    /// Looks a name up as Python does: its own scope, then those around it but for classes.
    pub(super) fn look_up(&self, name: NameIx, used: Use) -> Seen<'_> {
        let chain = self.chain(used.block);
        let mut next = Some(used.scope);
        let mut is_own = true;
        while let Some(ix) = next {
            let Some(scope) = self.scope(ix) else {
                break;
            };
            let bindings = scope.bindings.get(named(&scope.bindings, name));
            let bindings = bindings.unwrap_or_default();
            if !bindings.is_empty() && (is_own || scope.kind != ScopeKind::Class) {
                // what runs later sees everything; what runs now, what stands before it
                let until = if is_own && scope.kind != ScopeKind::Expression {
                    used.at
                } else {
                    u32::MAX
                };
                let mut seen = self.choose(bindings, &chain, until);
                if seen.bindings.is_empty() && scope.kind == ScopeKind::Function {
                    seen = self.choose(bindings, &chain, u32::MAX);
                }
                if !seen.bindings.is_empty() || scope.kind == ScopeKind::Function {
                    seen.scope = Some(ix);
                    return seen;
                }
            }
            is_own &= scope.kind == ScopeKind::Expression;
            next = scope.parent;
        }
        Seen::default()
    }

    /// What a scope binds a name to for those who look from outside: its last meaning.
    pub(super) fn last_of<'a>(&'a self, bindings: &'a [Binding], name: NameIx) -> Seen<'a> {
        let bindings = bindings.get(named(bindings, name)).unwrap_or_default();
        self.choose(bindings, &[], u32::MAX)
    }

    /// From the last binding back to the first that surely ran. `chain` holds the blocks around the use; none of them
    /// for those who look from outside.
    fn choose<'a>(&self, bindings: &'a [Binding], chain: &[BlockIx], until: u32) -> Seen<'a> {
        let mut seen = Seen {
            is_open: true,
            ..Seen::default()
        };
        let count = bindings.partition_point(|binding| binding.at <= until);
        for binding in bindings.iter().take(count).rev() {
            let is_around = chain.contains(&binding.block);
            if binding.is_local && !is_around {
                continue;
            }
            if self.is_accessor(binding) || self.is_excluded(binding.block, chain) {
                continue;
            }
            seen.bindings.push(binding);
            if is_around || self.is_outermost(binding.block) {
                seen.is_open = false;
                break;
            }
            if seen.bindings.len() == MOST_BINDINGS {
                break;
            }
        }
        seen
    }

    /// A setter is no meaning of its property.
    fn is_accessor(&self, binding: &Binding) -> bool {
        let Value::Definition(ix) = binding.value else {
            return false;
        };
        let body = self.bodies.get(ix.0 as usize);
        matches!(body, Some(Body::Function(function)) if function.manner == Manner::Accessor)
    }

    /// The block of a scope's own statements: it is no part of a statement.
    fn is_outermost(&self, block: BlockIx) -> bool {
        let found = self.blocks.get(block.0 as usize);
        found.is_some_and(|block| block.is_scope)
    }

    /// A block and those around it, innermost first.
    fn chain(&self, block: BlockIx) -> Vec<BlockIx> {
        let mut chain = Vec::new();
        let mut next = Some(block);
        while let Some(ix) = next {
            chain.push(ix);
            next = self
                .blocks
                .get(ix.0 as usize)
                .and_then(|found| found.parent);
        }
        chain
    }

    /// Whether a block is another branch of a choice that the use stands in.
    fn is_excluded(&self, block: BlockIx, chain: &[BlockIx]) -> bool {
        if chain.len() < 2 {
            return false;
        }
        let choice = |ix: BlockIx| {
            self.blocks
                .get(ix.0 as usize)
                .and_then(|found| found.choice)
        };
        let mut next = Some(block);
        while let Some(ix) = next {
            if let Some((id, branch)) = choice(ix)
                && chain
                    .iter()
                    .filter_map(|around| choice(*around))
                    .any(|(other, taken)| other == id && taken != branch)
            {
                return true;
            }
            next = self
                .blocks
                .get(ix.0 as usize)
                .and_then(|found| found.parent);
        }
        false
    }
}
