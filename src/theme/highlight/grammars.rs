//! The grammars that lines are parsed with, in bounded memory.
//!
//! A grammar's expressions are compiled when they are first needed, stay as long as their set, and take from a tenth of a
//! megabyte to seventy. So each language has a set of its own, and those that were not used for the longest go.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use syntect::parsing::Scope;
use syntect::parsing::SyntaxSet;

use crate::theme::highlight::SyntaxId;

/// What all sets together may take, in megabytes; one alone may take more.
const MOST: usize = 96;

/// What a set takes of which nothing was compiled, in megabytes.
const BARE: usize = 1;

/// What a language takes that is none of the heavy ones: most less, few more, in megabytes.
const USUAL: usize = 4;

/// What languages take that take more than six megabytes, by their scopes.
///
/// From `cargo run --example languages`.
const HEAVY: &[(&str, usize)] = &[
    ("source.php", 71),
    ("source.cfml.script.tags", 57),
    ("source.tsx", 48),
    ("source.ts", 47),
    ("source.cfml.script", 30),
    ("source.scala", 25),
    ("source.less", 23),
    ("source.modern-fortran", 23),
    ("source.sass", 21),
    ("source.scss", 20),
    ("source.cs", 19),
    ("source.objc++", 19),
    ("source.asm.x86_64", 18),
    ("source.c++", 18),
    ("text.html.markdown", 16),
    ("text.html.markdown.multimarkdown", 16),
    ("text.html.svelte", 16),
    ("text.slim", 16),
    ("source.cmake.config.c++", 15),
    ("source.js", 15),
    ("source.qml", 15),
    ("source.js.rails", 14),
    ("source.ruby.rails", 14),
    ("source.shell", 14),
    ("source.shell.bash", 14),
    ("source.asp", 13),
    ("source.nsis", 13),
    ("source.ruby", 13),
    ("source.applescript", 12),
    ("text.haml", 12),
    ("commands.builtin.shell.bash", 10),
    ("source.lisp", 10),
    ("source.python", 10),
    ("source.perl", 9),
    ("source.crystal", 8),
    ("source.fixedform-fortran", 8),
    ("source.cmake", 7),
    ("source.dosbatch", 7),
    ("source.makefile", 7),
    ("source.objc", 7),
    ("source.rust", 7),
    ("source.systemverilog", 7),
    ("source.vhdl", 7),
    ("text.typst", 7),
];

/// All syntaxes, unpacked once. Nothing is parsed with them: they are what sets are copies of.
pub(super) fn syntaxes() -> &'static SyntaxSet {
    static SET: OnceLock<SyntaxSet> = OnceLock::new();
    SET.get_or_init(two_face::syntax::extra_newlines)
}

/// Whether a scope is that of a whole language.
pub(super) fn is_language(scope: Scope) -> bool {
    static SCOPES: OnceLock<HashSet<Scope>> = OnceLock::new();
    let all = || syntaxes().syntaxes().iter().map(|syntax| syntax.scope);
    SCOPES.get_or_init(|| all().collect()).contains(&scope)
}

/// What a language takes when it is compiled, in megabytes.
fn weight(language: Scope) -> usize {
    static WEIGHTS: OnceLock<Vec<(Scope, usize)>> = OnceLock::new();
    let heavy = WEIGHTS.get_or_init(|| {
        let known = HEAVY.iter();
        known
            .filter_map(|(scope, weight)| Some((Scope::new(scope).ok()?, *weight)))
            .collect()
    });
    let found = heavy.iter().find(|(scope, _)| *scope == language);
    found.map_or(USUAL, |(_, weight)| *weight)
}

/// A set for files of one language, and which other languages were met in them.
#[derive(Debug)]
struct Grammar {
    syntax: SyntaxId,
    set: Arc<SyntaxSet>,
    met: HashSet<Scope>,
}

impl Grammar {
    fn new(syntax: SyntaxId) -> Self {
        Self {
            syntax,
            set: Arc::new(syntaxes().clone()),
            met: HashSet::new(),
        }
    }

    fn weight(&self) -> usize {
        BARE + self.met.iter().copied().map(weight).sum::<usize>()
    }
}

/// The sets that are kept, the one that was used last at the end.
#[derive(Debug, Default)]
pub(super) struct Grammars(Vec<Grammar>);

impl Grammars {
    /// Those of the whole program.
    pub(super) fn lock() -> std::sync::MutexGuard<'static, Self> {
        static GRAMMARS: Mutex<Grammars> = Mutex::new(Grammars(Vec::new()));
        GRAMMARS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The set for files of a language.
    pub(super) fn of(&mut self, syntax: SyntaxId) -> Option<Arc<SyntaxSet>> {
        let language = syntaxes().syntaxes().get(syntax.0)?.scope;
        Some(self.meet(syntax, language))
    }

    /// The set for files of a language, in which another one was met; what then is too much goes.
    pub(super) fn meet(&mut self, syntax: SyntaxId, language: Scope) -> Arc<SyntaxSet> {
        let place = self.0.iter().position(|kept| kept.syntax == syntax);
        let mut used = match place {
            Some(place) => self.0.remove(place),
            None => Grammar::new(syntax),
        };
        if used.met.insert(language) {
            let mut all = used.weight() + self.0.iter().map(Grammar::weight).sum::<usize>();
            while all > MOST && !self.0.is_empty() {
                all -= self.0.remove(0).weight();
            }
            if all > MOST && used.met.len() > 1 {
                used = Grammar::new(syntax);
                used.met.insert(language);
            }
        }
        let set = Arc::clone(&used.set);
        self.0.push(used);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> (SyntaxId, Scope) {
        let all = syntaxes().syntaxes();
        let place = all.iter().position(|syntax| syntax.name == name).unwrap();
        (SyntaxId(place), all[place].scope)
    }

    #[test]
    fn the_longest_unused_go_first() {
        let mut kept = Grammars::default();
        let meet =
            |kept: &mut Grammars, file: &str, met: &str| kept.meet(named(file).0, named(met).1);
        let python = meet(&mut kept, "Python", "Python");
        let json = meet(&mut kept, "JSON", "JSON");
        assert!(Arc::ptr_eq(&python, &meet(&mut kept, "Python", "Python")));
        // a heavy one, and another
        meet(&mut kept, "PHP Source", "PHP Source");
        assert!(Arc::ptr_eq(&json, &meet(&mut kept, "JSON", "JSON")));
        assert!(Arc::ptr_eq(&python, &meet(&mut kept, "Python", "Python")));
        meet(&mut kept, "TypeScript", "TypeScript");
        let names: Vec<usize> = kept.0.iter().map(|kept| kept.syntax.0).collect();
        let of = |name| named(name).0.0;
        assert_eq!(names, [of("JSON"), of("Python"), of("TypeScript")]);
        // many light ones
        for syntax in 0..syntaxes().syntaxes().len() {
            kept.meet(SyntaxId(syntax), syntaxes().syntaxes()[syntax].scope);
            let weight: usize = kept.0.iter().map(Grammar::weight).sum();
            assert!(weight <= MOST || kept.0.len() == 1);
        }
        assert!(!Arc::ptr_eq(&python, &meet(&mut kept, "Python", "Python")));
    }

    #[test]
    fn what_one_holds_is_bounded_too() {
        let mut kept = Grammars::default();
        let page = named("Markdown");
        let first = kept.meet(page.0, page.1);
        for syntax in syntaxes().syntaxes() {
            kept.meet(page.0, syntax.scope);
        }
        assert!(!Arc::ptr_eq(&first, &kept.meet(page.0, page.1)));
        assert_eq!(kept.0.len(), 1);
    }

    #[test]
    fn all_heavy_ones_are_languages() {
        for (scope, _) in HEAVY {
            assert!(is_language(Scope::new(scope).unwrap()), "{scope}");
        }
    }
}
