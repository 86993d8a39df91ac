//! Facts as bytes, for the next run: numbers of seven bits a byte, lists with their length before them.
//!
//! Whatever is read may be anything: reading answers `None` rather than to trust a length, and what was read is looked
//! over before anybody walks through it.

use crate::model::LineIx;
use crate::python::Definition;
use crate::python::DefinitionKind;
use crate::python::Docstring;
use crate::python::Documented;
use crate::python::repo::facts::Binding;
use crate::python::repo::facts::Block;
use crate::python::repo::facts::BlockIx;
use crate::python::repo::facts::Body;
use crate::python::repo::facts::Call;
use crate::python::repo::facts::Class;
use crate::python::repo::facts::DefIx;
use crate::python::repo::facts::Exports;
use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::facts::Facts;
use crate::python::repo::facts::Function;
use crate::python::repo::facts::Manner;
use crate::python::repo::facts::NameIx;
use crate::python::repo::facts::Scope;
use crate::python::repo::facts::ScopeIx;
use crate::python::repo::facts::ScopeKind;
use crate::python::repo::facts::Use;
use crate::python::repo::facts::Value;
use crate::python::repo::facts::Via;

/// Lists begin with room for no more, whatever they say of their length.
const MOST_ROOM: usize = 1 << 12;

/// The facts as bytes.
pub(super) fn packed(facts: &Facts) -> Vec<u8> {
    let mut out = Vec::new();
    facts.put(&mut out);
    out
}

/// The facts that [`packed`] made bytes of; `None` for bytes that it cannot have made.
pub(super) fn unpacked(mut bytes: &[u8]) -> Option<Facts> {
    let facts = Facts::take(&mut bytes)?;
    (bytes.is_empty() && is_sound(&facts)).then_some(facts)
}

/// Whether every walk through the facts ends: what leads outwards leads to what stands before.
fn is_sound(facts: &Facts) -> bool {
    let rises = |parent: Option<usize>, own: usize| parent.is_none_or(|parent| parent < own);
    let mut outline = facts.outline.iter().enumerate();
    let mut scopes = facts.scopes.iter().enumerate();
    let mut blocks = facts.blocks.iter().enumerate();
    facts.bodies.len() == facts.outline.len()
        && outline.all(|(ix, found)| rises(found.parent, ix))
        && scopes.all(|(ix, found)| rises(found.parent.map(|parent| parent.0 as usize), ix))
        && blocks.all(|(ix, found)| rises(found.parent.map(|parent| parent.0 as usize), ix))
}

trait Packed: Sized {
    fn put(&self, out: &mut Vec<u8>);

    fn take(from: &mut &[u8]) -> Option<Self>;
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

fn take_byte(from: &mut &[u8]) -> Option<u8> {
    let (first, rest) = from.split_first()?;
    *from = rest;
    Some(*first)
}

fn take_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = take_byte(from)?;
        number |= u64::from(byte & 0x7f).checked_shl(place * 7)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take_number(from)?).ok()?;
    let (taken, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(taken)
}

impl Packed for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(out, u64::from(*self));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Self::try_from(take_number(from)?).ok()
    }
}

impl Packed for usize {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(out, *self as u64);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Self::try_from(take_number(from)?).ok()
    }
}

impl Packed for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        match take_byte(from)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Packed for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(out, self.len() as u64);
        out.extend(self.as_bytes());
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        str::from_utf8(take_bytes(from)?).ok().map(str::to_owned)
    }
}

impl Packed for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(out, self.len() as u64);
        out.extend(self.as_bytes());
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        str::from_utf8(take_bytes(from)?).ok().map(Self::from)
    }
}

impl<T: Packed> Packed for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        if bool::take(from)? {
            return Some(Some(T::take(from)?));
        }
        Some(None)
    }
}

fn put_list<T: Packed>(list: &[T], out: &mut Vec<u8>) {
    put_number(out, list.len() as u64);
    for value in list {
        value.put(out);
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(self, out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let len = usize::take(from)?;
        let mut list = Self::with_capacity(len.min(MOST_ROOM));
        for _ in 0..len {
            list.push(T::take(from)?);
        }
        Some(list)
    }
}

impl<T: Packed> Packed for Box<[T]> {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(self, out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Vec::take(from).map(Vec::into_boxed_slice)
    }
}

impl<T: Packed> Packed for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        T::take(from).map(Self::new)
    }
}

impl<A: Packed, B: Packed> Packed for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

/// Says which parts a type has, in the order in which they are written.
macro_rules! parts {
    ($($name:ident { $($field:tt),* })*) => {
        $(impl Packed for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Packed::take(from)?),* })
            }
        })*
    };
}

/// Says which number each kind of a type has, and its parts.
macro_rules! kinds {
    ($name:ident { $($number:literal => $kind:ident $(($($part:ident),*))? $({ $($field:ident),* })?,)* }) => {
        impl Packed for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$kind $(($($part),*))? $({ $($field),* })? => {
                        out.push($number);
                        $($($part.put(out);)*)?
                        $($($field.put(out);)*)?
                    })*
                }
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                match take_byte(from)? {
                    $($number => {
                        $($(let $part = Packed::take(from)?;)*)?
                        $($(let $field = Packed::take(from)?;)*)?
                        Some(Self::$kind $(($($part),*))? $({ $($field),* })?)
                    })*
                    _ => None,
                }
            }
        }
    };
}

parts! {
    NameIx { 0 }
    ExprIx { 0 }
    ScopeIx { 0 }
    BlockIx { 0 }
    DefIx { 0 }
    LineIx { 0 }
    Use { scope, block, at }
    Binding { name, block, at, is_local, value }
    Scope { kind, parent, definition, bindings }
    Block { parent, choice, is_scope }
    Function { manner, is_async, class, is_wrapped, annotation, returns, yields }
    Class { scope, bases, attributes }
    Call { callee, name, via, at, owner }
    Exports { names, is_partial }
    Docstring { first, last, has_word }
    Definition { name, kind, first, header, header_end, last, documented, parent }
    Facts {
        outline, bodies, names, by_letters, expressions, scopes, blocks, stars, exports, calls, lines, has_faults
    }
}

kinds! {
    Expression {
        0 => Unknown,
        1 => Name(name, used),
        2 => Attribute(base, name),
        3 => Call(callee, first),
        4 => Await(inner),
        5 => Subscript(base, index),
        6 => Either(all),
        7 => Display(all),
        8 => Each(inner),
        9 => Values(all),
        10 => Element(inner),
        11 => Nth(inner, place),
        12 => Entered(inner),
        13 => Instance(kind),
    }
}

kinds! {
    Value {
        0 => Definition(def),
        1 => Module { dotted, is_first_part },
        2 => Member { level, dotted, member },
        3 => Expression(expr),
        4 => Annotated(annotation, value),
        5 => Parameter { of, place, annotation, default },
        6 => Unknown,
    }
}

kinds! {
    Body {
        0 => Function(function),
        1 => Class(class),
        2 => Unseen,
    }
}

kinds! {
    ScopeKind {
        0 => Module,
        1 => Class,
        2 => Function,
        3 => Expression,
    }
}

kinds! {
    Manner {
        0 => Plain,
        1 => Static,
        2 => Class,
        3 => Property,
        4 => Accessor,
        5 => Manager,
    }
}

kinds! {
    Via {
        0 => Call,
        1 => Decorator,
        2 => Raise,
    }
}

kinds! {
    DefinitionKind {
        0 => Function,
        1 => Class,
    }
}

kinds! {
    Documented {
        0 => Yes(docstring),
        1 => No,
        2 => Unseen,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::python::repo::build;

    const TEXT: &str =
        "import a.b\nclass A(B):\n    def f(self, x: int = 1): return x.y[0] or g(z)\n";

    #[test]
    fn facts_come_back() {
        let facts = build::facts(TEXT).unwrap();
        let bytes = packed(&facts);
        let back = unpacked(&bytes).unwrap();
        assert_eq!(format!("{back:?}"), format!("{facts:?}"));
        assert!(bytes.len() < 4 * TEXT.len());
    }

    #[test]
    fn numbers_come_back() {
        for number in [
            0,
            1,
            127,
            128,
            16_383,
            16_384,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            let mut from = bytes.as_slice();
            assert_eq!(take_number(&mut from), Some(number));
            assert!(from.is_empty());
        }
        assert_eq!(take_number(&mut [0xff; 11].as_slice()), None);
        assert_eq!(
            u32::take(&mut [0xff, 0xff, 0xff, 0xff, 0x7f].as_slice()),
            None
        );
    }

    /// A list that says it is longer than memory takes none.
    #[test]
    fn lengths_are_not_trusted() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, u64::MAX);
        assert!(Vec::<u32>::take(&mut bytes.as_slice()).is_none());
        assert!(String::take(&mut bytes.as_slice()).is_none());
    }

    /// Walks outwards would not end.
    #[test]
    fn circles_are_refused() {
        let facts = build::facts(TEXT).unwrap();
        let check = |change: fn(&mut Facts)| {
            let mut circle = facts.clone();
            change(&mut circle);
            assert!(unpacked(&packed(&circle)).is_none());
        };
        check(|facts| facts.outline[0].parent = Some(1));
        check(|facts| facts.scopes[1].parent = Some(ScopeIx(1)));
        check(|facts| facts.blocks[1].parent = Some(BlockIx(2)));
        check(|facts| facts.bodies.clear());
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Some(facts) = unpacked(&bytes) {
                prop_assert_eq!(packed(&facts), bytes);
            }
        }
    }
}
