//! Means by which a generated function could find out how its test program tells success: that program, its frames and
//! its memory are those of the process that the function runs in, and nothing can be hidden from it there.

use crate::python::Source;

/// Names that lead to the program's file, its frames, its objects, or to another process that reads them.
const NAMES: [&str; 37] = [
    "__builtins__",
    "__file__",
    "__loader__",
    "__spec__",
    "_getframe",
    "_current_frames",
    "addaudithook",
    "ag_frame",
    "co_consts",
    "cr_frame",
    "ctypes",
    "currentframe",
    "eval",
    "exec",
    "f_back",
    "f_code",
    "f_globals",
    "f_locals",
    "fdopen",
    "fileinput",
    "gc",
    "getframeinfo",
    "getsource",
    "getsourcelines",
    "gi_frame",
    "importlib",
    "inspect",
    "linecache",
    "mmap",
    "open",
    "popen",
    "read_bytes",
    "read_text",
    "settrace",
    "subprocess",
    "system",
    "tb_frame",
];

/// The first of the means that a function names and the function that it stands for does not. Comments and docstrings
/// name nothing.
pub(super) fn new_means(function: &str, original: &str) -> Option<&'static str> {
    let known = means(original);
    means(function)
        .into_iter()
        .find(|found| !known.contains(found))
}

fn means(text: &str) -> Vec<&'static str> {
    let count = text.lines().count();
    let lines = Source::whole(text).code_by_line(count);
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words = lines
        .iter()
        .flat_map(|line| line.split(|letter| !is_name(letter)));
    let found = words.filter_map(|word| NAMES.into_iter().find(|name| *name == word));
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_its_own_program_is_seen() {
        #[track_caller]
        fn check(function: &str, original: &str, want: Option<&str>) {
            assert_eq!(new_means(function, original), want, "{function}");
        }
        let plain = "def f(a):\n    return a\n";
        let reads = "def f(a):\n    return open(__import__('sys').argv[0]).read()\n";
        check(plain, plain, None);
        check(reads, plain, Some("open"));
        check(reads, reads, None);
        check(
            "    def f(self):\n        import sys\n        sys._getframe(1)\n",
            plain,
            Some("_getframe"),
        );
        check(
            "def f(a):\n    return getattr(a, 'f_back')\n",
            plain,
            Some("f_back"),
        );
        // words about it are none of it, and neither are longer names
        check(
            "def f(a):\n    'Says what is open.'\n    # open it\n    return a\n",
            plain,
            None,
        );
        check(
            "def f(a):\n    reopen(a)\n    return a.opened\n",
            plain,
            None,
        );
    }
}
