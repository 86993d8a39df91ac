//! Prints what each language's grammar takes of the heap after a few lines of several languages: `HEAVY` of
//! `src/theme/highlight/grammars.rs`.
//!
//!     cargo run --example languages

use std::alloc::System;
use std::cmp::Reverse;

use stats_alloc::INSTRUMENTED_SYSTEM;
use stats_alloc::Region;
use stats_alloc::StatsAlloc;
use syntect::parsing::ParseState;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Languages that take no more megabytes are not listed.
const LEAST: usize = 6;

const LINES: &str = r#"int main(int a) { return foo("x", 1); } // c
# c
def f(x: int = 1) -> str:
    return f"{x}" + 'a'
<a href="x">b</a>
- a: b
[x]
k = 1.5
let v = |x| x + 1; /* c */
function g() { var a = `t${1}`; if (a) { b(); } }
$x = @y;
class A(B): pass
"#;

#[expect(clippy::print_stdout, reason = "it is what it is for")]
fn main() {
    let all = two_face::syntax::extra_newlines();
    let mut found = Vec::new();
    for syntax in all.syntaxes() {
        let set = all.clone();
        let region = Region::new(HEAP);
        let mut state = ParseState::new(syntax);
        for line in LINES.split_inclusive('\n') {
            // a line that a grammar cannot read compiles as much
            drop(state.parse_line(line, &set));
        }
        let change = region.change();
        let bytes = change.bytes_allocated - change.bytes_deallocated;
        let megabytes = bytes.div_ceil(1_000_000);
        if megabytes > LEAST {
            found.push((Reverse(megabytes), syntax.scope.to_string()));
        }
    }
    found.sort();
    for (Reverse(megabytes), scope) in found {
        println!("    (\"{scope}\", {megabytes}),");
    }
}
