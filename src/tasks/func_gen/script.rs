//! The text of a test program, laid out as the published evaluator needs it.
//!
//! Imports stand first, one a line; then what the function needs, the function itself among it, in the module's order;
//! then a function that calls both implementations on the same inputs and compares what came of it. Each case is a
//! function that is given the implementation (for a method its name), so that arguments are made anew for each and what
//! is done to them is compared too.

use crate::tasks::func_gen::Target;
use crate::tasks::func_gen::doctest::Case;
use crate::tasks::func_gen::module::Closure;
use crate::tasks::func_gen::module::Module;

/// What a case calls to say what it saw.
pub(super) const SEE: &str = "_see";
/// What a case is given as the name of a method.
pub(super) const METHOD: &str = "_method";
/// Longer programs are no small piece of a module any more.
const MOST_BYTES: usize = 96 << 10;

/// How two implementations are compared. A number that is none equals itself; iterators are what they give, in lists and
/// tuples too; objects without an equality of their own are equal where their attributes are. What a function does to what
/// it is given is seen too. Where the original itself fails for want of a name or of a file, nothing is tested, and the
/// test fails. What compares is bound before the new implementation runs: that could put something else into `builtins`
/// or the module.
const COMPARE: &str = "    import builtins as _builtins
    import os as _os
    from copy import deepcopy as _deepcopy
    from itertools import islice as _islice

    all, bool, callable, dict, hasattr, isinstance, issubclass, len, list, map, object, tuple, type, vars, zip = (
        _builtins.all, _builtins.bool, _builtins.callable, _builtins.dict, _builtins.hasattr, _builtins.isinstance,
        _builtins.issubclass, _builtins.len, _builtins.list, _builtins.map, _builtins.object, _builtins.tuple,
        _builtins.type, _builtins.vars, _builtins.zip)
    BaseException, Exception, ImportError, NameError, OSError = (
        _builtins.BaseException, _builtins.Exception, _builtins.ImportError, _builtins.NameError, _builtins.OSError)
    _FILLED = (_builtins.bytearray, dict, list, _builtins.set)

    def _taken(value):
        if hasattr(value, '__next__'):
            value = ['iterator', *_islice(value, 1000)]
        if type(value) in (list, tuple):
            return type(value)([_taken(one) for one in value])
        try:
            return _deepcopy(value)
        except Exception:
            return value

    def _outcome(case, implementation):
        seen = []

        def see(*values, **_):
            seen.append([_taken(value) for value in values])

        def called(*values, **named):
            result = implementation(*values, **named)
            see(*(one for one in (*values, *named.values()) if isinstance(one, _FILLED)))
            return result

        try:
            case(called if callable(implementation) else implementation, see, see)
        except BaseException as error:
            return seen, type(error)
        return seen, None

    def _same(a, b):
        if a is b or (a != a and b != b):
            return True
        if isinstance(a, (list, tuple)) and type(a) is type(b):
            return len(a) == len(b) and all(map(_same, a, b))
        if isinstance(a, dict) and type(a) is type(b):
            return len(a) == len(b) and all(key in b and _same(a[key], b[key]) for key in a)
        if type(a) is type(b) and type(a).__eq__ is object.__eq__:
            return hasattr(a, '__dict__') and not callable(a) and _same(vars(a), vars(b))
        return type(a) is type(b) and bool(a == b)
";

/// A whole test program; `None` where it is too long, or where the evaluator would put a method elsewhere than into its
/// class.
pub(super) fn script(
    module: &Module<'_>,
    closure: &Closure,
    target: &Target<'_>,
    cases: &[Case],
    method_start: Option<usize>,
) -> Option<String> {
    let mut text = "from __future__ import annotations\n".to_owned();
    for line in module.import_lines(closure) {
        text.push_str(line);
        text.push('\n');
    }
    let mut method_at = None;
    for ix in &closure.parts {
        let part = module.parts.get(*ix)?;
        text.push_str("\n\n");
        if let Some(start) = method_start
            && start >= part.start
            && start < part.start + part.text.len()
        {
            method_at = Some(text.len() + start - part.start);
        }
        text.push_str(part.text);
        if text.len() > MOST_BYTES {
            return None;
        }
    }
    if let Some(method) = target.method {
        let first = find_method(&text, method)?;
        if Some(first) != method_at {
            return None;
        }
    }
    add_test(&mut text, target, cases);
    (text.len() <= MOST_BYTES).then_some(text)
}

fn add_test(text: &mut String, target: &Target<'_>, cases: &[Case]) {
    let name = target.method.unwrap_or(target.name);
    let new = format!("{name}_new_implementation");
    // the new one stands in the place of the old one while it runs: else it could call that
    let (given, old, new, take_place) = match target.method {
        None => (
            name,
            name.to_owned(),
            new.clone(),
            format!("globals()['{name}'] = {new}"),
        ),
        Some(_) => (
            METHOD,
            format!("'{name}'"),
            format!("'{new}'"),
            format!("setattr({0}, '{name}', {0}.__dict__['{new}'])", target.name),
        ),
    };
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    say(&format!("\n\n\ndef test_{name}():\n{COMPARE}"));
    for (ix, case) in cases.iter().enumerate() {
        say(&format!("    def _case_{ix}({given}, {SEE}, print):"));
        for line in &case.lines {
            say(&format!("        {line}"));
        }
        say("");
    }
    let names: Vec<String> = (0..cases.len()).map(|ix| format!("_case_{ix}")).collect();
    say(&format!(
        "    _cases = [{}]
    _olds = [_outcome(_case, {old}) for _case in _cases]
    {take_place}
    _os._exit = None
    for _case, _old in zip(_cases, _olds):
        _new = _outcome(_case, {new})
        assert _old[1] is None or not issubclass(_old[1], (NameError, ImportError, OSError)), _old[1]
        assert _same(_old, _new), '%s: %.200r, and now %.200r' % (_case.__name__, _old, _new)


if __name__ == '__main__':
    test_{name}()
    print('ok')",
        names.join(", ")
    ));
}

/// Where the evaluator finds a method: the first line of any class that looks like its own.
fn find_method(text: &str, method: &str) -> Option<usize> {
    let front = format!("    def {method}");
    memchr::memmem::find_iter(text.as_bytes(), &front)
        .find(|at| {
            let rest = text.get(at + front.len()..).unwrap_or_default();
            rest.trim_start().starts_with('(')
        })
        .map(|at| at + 4)
}
