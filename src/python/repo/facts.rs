//! What one file says, apart from all others: its definitions, scopes, bindings and calls.
//!
//! Facts hold no syntax tree and no path, so that they can be kept for the next index of the same bytes. Names are
//! numbers of the file's own table; expressions that can mean a function, class or module lie in one arena, everything
//! else is [`Expression::Unknown`].

use std::ops::Range;

use crate::python::Definition;

/// A name of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NameIx(pub(super) u32);

/// An expression of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ExprIx(pub(super) u32);

impl ExprIx {
    /// Always [`Expression::Unknown`].
    pub(super) const UNKNOWN: Self = Self(0);
}

/// A scope of the file; the module's is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ScopeIx(pub(super) u32);

impl ScopeIx {
    pub(super) const MODULE: Self = Self(0);
}

/// A stretch of statements that run together or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct BlockIx(pub(super) u32);

/// A definition of the file, as an index into its outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DefIx(pub(super) u32);

/// Where a name is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) scope: ScopeIx,
    pub(super) block: BlockIx,
    /// Its first byte.
    pub(super) at: u32,
}

/// What an expression may mean.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// Nothing that is followed.
    Unknown,
    Name(NameIx, Use),
    Attribute(ExprIx, NameIx),
    /// A call; the first argument only of callees for which it counts.
    Call(ExprIx, ExprIx),
    Await(ExprIx),
    /// `a[b]`: a type of types in an annotation, an element elsewhere.
    Subscript(ExprIx, ExprIx),
    /// One of several: `a or b`, `a if c else b`, `A | B`.
    Either(Box<[ExprIx]>),
    /// A list, set or tuple, as far as its first elements.
    Display(Box<[ExprIx]>),
    /// What a comprehension yields.
    Each(ExprIx),
    /// The values of a dictionary, as far as its first ones.
    Values(Box<[ExprIx]>),
    /// An element of what is iterated over.
    Element(ExprIx),
    /// The nth of what is unpacked.
    Nth(ExprIx, u32),
    /// What a context manager gives.
    Entered(ExprIx),
    /// An instance of the type that is written there.
    Instance(ExprIx),
}

/// What a name stands for once a statement ran.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Definition(DefIx),
    /// `import a.b as c` (the module) or `import a.b` (its first part, which has no member).
    Module {
        dotted: NameIx,
        is_first_part: bool,
    },
    /// `from a import b`.
    Member {
        level: u32,
        dotted: Option<NameIx>,
        member: NameIx,
    },
    Expression(ExprIx),
    /// With the type it is said to have, and a value.
    Annotated(ExprIx, ExprIx),
    Parameter {
        of: DefIx,
        /// Its place among those that are given by position; `None` for the others.
        place: Option<u32>,
        annotation: ExprIx,
        default: ExprIx,
    },
    /// What cannot be followed.
    Unknown,
}

/// A statement that gives a name a meaning.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) name: NameIx,
    pub(super) block: BlockIx,
    /// The first byte of the statement's end, as far as order counts: a use before it does not see it.
    pub(super) at: u32,
    /// It is a narrowing (`isinstance`) that holds in its block only.
    pub(super) is_local: bool,
    pub(super) value: Value,
}

/// What opens a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Module,
    Class,
    /// A function or lambda: it runs later.
    Function,
    /// A comprehension: it runs where it stands, and order does not count in it.
    Expression,
}

/// A scope.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) kind: ScopeKind,
    pub(super) parent: Option<ScopeIx>,
    /// The class or function whose body it is.
    pub(super) definition: Option<DefIx>,
    /// Its bindings by name, then place.
    pub(super) bindings: Vec<Binding>,
}

/// A stretch of statements within another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) parent: Option<BlockIx>,
    /// The statement it is a part of; parts of one `if` or `match` exclude each other.
    pub(super) choice: Option<(u32, u32)>,
    /// It is a scope's own: what stands in it runs whenever the scope does.
    pub(super) is_scope: bool,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Manner {
    #[default]
    Plain,
    Static,
    Class,
    /// Reading the attribute calls it.
    Property,
    /// A setter or deleter of the property of that name.
    Accessor,
    /// Its one yield is what `with` gives.
    Manager,
}

/// What is known of a function beside its lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Function {
    pub(super) manner: Manner,
    pub(super) is_async: bool,
    /// It stands in a class body.
    pub(super) class: Option<DefIx>,
    /// It has decorators that may change what it returns.
    pub(super) is_wrapped: bool,
    pub(super) annotation: Option<ExprIx>,
    pub(super) returns: Vec<ExprIx>,
    pub(super) yields: Vec<ExprIx>,
}

/// What is known of a class beside its lines.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) scope: ScopeIx,
    pub(super) bases: Vec<ExprIx>,
    /// What its methods give to attributes of their instance, by name, then place.
    pub(super) attributes: Vec<Binding>,
}

/// What a definition is, beside its lines.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Function(Box<Function>),
    Class(Box<Class>),
    /// The parser saw no such definition.
    Unseen,
}

/// How a definition is called at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// `f()`.
    Call,
    /// `@f`, without brackets.
    Decorator,
    /// `raise E`, without brackets.
    Raise,
}

/// A call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) callee: ExprIx,
    pub(super) name: NameIx,
    pub(super) via: Via,
    /// The first byte of the name that is called.
    pub(super) at: u32,
    /// The innermost definition in whose body or decorators it stands.
    pub(super) owner: Option<DefIx>,
}

/// Everything a file says.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// In the order of their headers.
    pub(super) outline: Vec<Definition>,
    /// One for each of the outline.
    pub(super) bodies: Vec<Body>,
    pub(super) names: Vec<Box<str>>,
    /// The names in the order of their letters.
    pub(super) by_letters: Vec<NameIx>,
    pub(super) expressions: Vec<Expression>,
    pub(super) scopes: Vec<Scope>,
    pub(super) blocks: Vec<Block>,
    /// Modules of which all names are taken, in order: level, name.
    pub(super) stars: Vec<(u32, Option<NameIx>)>,
    /// What is said of `__all__`: nothing, or what is added to it, and whether more is that cannot be followed.
    pub(super) exports: Option<Exports>,
    /// By owner, then place.
    pub(super) calls: Vec<Call>,
    /// The byte at which each line begins.
    pub(super) lines: Vec<u32>,
    /// The parser found faults.
    pub(super) has_faults: bool,
}

/// `__all__`.
#[derive(Debug, Clone, Default)]
pub(super) struct Exports {
    pub(super) names: Vec<NameIx>,
    /// Something is added that is no plain string.
    pub(super) is_partial: bool,
}

impl Facts {
    pub(super) fn expression(&self, ix: ExprIx) -> &Expression {
        self.expressions
            .get(ix.0 as usize)
            .unwrap_or(&Expression::Unknown)
    }

    pub(super) fn name(&self, ix: NameIx) -> &str {
        self.names.get(ix.0 as usize).map_or("", |name| name)
    }

    pub(super) fn find_name(&self, name: &str) -> Option<NameIx> {
        let sorted = &self.by_letters;
        let at = sorted.binary_search_by(|ix| self.name(*ix).cmp(name));
        sorted.get(at.ok()?).copied()
    }

    pub(super) fn scope(&self, ix: ScopeIx) -> Option<&Scope> {
        self.scopes.get(ix.0 as usize)
    }

    pub(super) fn function(&self, ix: DefIx) -> Option<&Function> {
        match self.bodies.get(ix.0 as usize)? {
            Body::Function(function) => Some(function),
            _ => None,
        }
    }

    pub(super) fn class(&self, ix: DefIx) -> Option<&Class> {
        match self.bodies.get(ix.0 as usize)? {
            Body::Class(class) => Some(class),
            _ => None,
        }
    }

    pub(super) fn definition(&self, ix: DefIx) -> Option<&Definition> {
        self.outline.get(ix.0 as usize)
    }

    /// The 0-based line of a byte, and the byte within that line.
    pub(super) fn place(&self, at: u32) -> (usize, usize) {
        let line = self
            .lines
            .partition_point(|start| *start <= at)
            .saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or_default();
        (line, (at - start.min(at)) as usize)
    }

    /// The calls of one owner, in order.
    pub(super) fn calls_of(&self, owner: Option<DefIx>) -> &[Call] {
        let start = self.calls.partition_point(|call| call.owner < owner);
        let rest = self.calls.get(start..).unwrap_or_default();
        let count = rest.partition_point(|call| call.owner == owner);
        rest.get(..count).unwrap_or_default()
    }

    /// Whether `inner` is `outer` or stands in it.
    pub(super) fn is_within(&self, inner: Option<DefIx>, outer: DefIx) -> bool {
        let mut next = inner.map(|ix| ix.0 as usize);
        while let Some(ix) = next {
            if ix == outer.0 as usize {
                return true;
            }
            // parents stand before what is in them
            next = self.outline.get(ix).and_then(|found| found.parent);
        }
        false
    }
}

/// The bindings of one name among bindings in order of name.
pub(super) fn named(bindings: &[Binding], name: NameIx) -> Range<usize> {
    let start = bindings.partition_point(|binding| binding.name < name);
    let count = bindings
        .get(start..)
        .unwrap_or_default()
        .partition_point(|binding| binding.name == name);
    start..start + count
}
