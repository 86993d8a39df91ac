//! Whether what a name of the standard library gives depends on anything but its arguments, by rules on names.
//!
//! The lists are of what may be used. A module that is in none of them is taken for one of another distribution.

/// What a dotted name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// Of the standard library; it gives the same for the same.
    Pure,
    /// Of the standard library; it depends on the clock, on chance, on files, the network, the process, or changes them.
    Impure,
    /// Not of the standard library.
    Foreign,
}

/// Modules of which everything may be used but for [`DENIED`].
const WHOLE: [&str; 63] = [
    "__future__",
    "abc",
    "array",
    "ast",
    "base64",
    "binascii",
    "bisect",
    "builtins",
    "calendar",
    "cmath",
    "codecs",
    "collections",
    "colorsys",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "dis",
    "email",
    "enum",
    "errno",
    "fnmatch",
    "fractions",
    "functools",
    "graphlib",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "inspect",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "logging",
    "math",
    "ntpath",
    "numbers",
    "opcode",
    "operator",
    "pickle",
    "posixpath",
    "pprint",
    "quopri",
    "re",
    "reprlib",
    "shlex",
    "statistics",
    "string",
    "struct",
    "textwrap",
    "token",
    "types",
    "typing",
    "unicodedata",
    "uuid",
    "warnings",
    "weakref",
    "xml",
    "zlib",
];

/// What may not be used of them.
const DENIED: [&str; 28] = [
    "builtins.input",
    "builtins.open",
    "builtins.print",
    "calendar.prcal",
    "calendar.prmonth",
    "codecs.open",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "dis.dis",
    "email.utils.formatdate",
    "email.utils.localtime",
    "email.utils.make_msgid",
    "hashlib.file_digest",
    "inspect.currentframe",
    "inspect.getsource",
    "inspect.stack",
    "json.dump",
    "json.load",
    "ntpath.abspath",
    "posixpath.abspath",
    "pprint.pprint",
    "statistics.NormalDist.samples",
    "uuid.getnode",
    "uuid.uuid1",
    "uuid.uuid4",
    "xml.etree.ElementTree.parse",
];

/// Of these modules nothing else may be used.
const PARTS: [&str; 40] = [
    "io.BytesIO",
    "io.StringIO",
    "io.TextIOBase",
    "os.PathLike",
    "os.altsep",
    "os.curdir",
    "os.extsep",
    "os.fsdecode",
    "os.fsencode",
    "os.fspath",
    "os.linesep",
    "os.pardir",
    "os.path.basename",
    "os.path.commonpath",
    "os.path.commonprefix",
    "os.path.dirname",
    "os.path.isabs",
    "os.path.join",
    "os.path.normcase",
    "os.path.normpath",
    "os.path.pardir",
    "os.path.sep",
    "os.path.split",
    "os.path.splitdrive",
    "os.path.splitext",
    "os.sep",
    "pathlib.PurePath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "sys.byteorder",
    "sys.float_info",
    "sys.hexversion",
    "sys.implementation",
    "sys.int_info",
    "sys.intern",
    "sys.maxsize",
    "sys.maxunicode",
    "sys.version_info",
    "urllib.parse",
    "zoneinfo.ZoneInfoNotFoundError",
];

/// The rest of the standard library, as far as it is met.
const IMPURE: [&str; 66] = [
    "_thread",
    "argparse",
    "asyncio",
    "atexit",
    "bz2",
    "cProfile",
    "cmd",
    "code",
    "concurrent",
    "configparser",
    "contextvars",
    "ctypes",
    "curses",
    "dbm",
    "doctest",
    "faulthandler",
    "fcntl",
    "fileinput",
    "ftplib",
    "gc",
    "getopt",
    "getpass",
    "gettext",
    "glob",
    "grp",
    "gzip",
    "http",
    "imaplib",
    "importlib",
    "io",
    "linecache",
    "locale",
    "lzma",
    "mimetypes",
    "mmap",
    "multiprocessing",
    "os",
    "pathlib",
    "pdb",
    "pkgutil",
    "platform",
    "pwd",
    "queue",
    "random",
    "resource",
    "sched",
    "secrets",
    "select",
    "selectors",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tarfile",
    "tempfile",
    "threading",
    "time",
    "traceback",
    "unittest",
    "urllib",
    "zipfile",
    "zoneinfo",
];

/// Names that are built in and read or change what is outside.
const BUILT_IN: [&str; 13] = [
    "__file__",
    "__import__",
    "__loader__",
    "__spec__",
    "breakpoint",
    "exit",
    "globals",
    "help",
    "id",
    "input",
    "locals",
    "open",
    "quit",
];

/// What a name below a module is: `os.path.join`.
pub(super) fn nature(dotted: &str) -> Nature {
    let root = dotted.split('.').next().unwrap_or(dotted);
    if has(&WHOLE, root) {
        return if is_within(&DENIED, dotted) {
            Nature::Impure
        } else {
            Nature::Pure
        };
    }
    if is_within(&PARTS, dotted) {
        Nature::Pure
    } else if has(&IMPURE, root) {
        Nature::Impure
    } else {
        Nature::Foreign
    }
}

/// Whether a module can be imported wherever Python is, to no effect.
pub(super) fn is_importable(origin: &str) -> bool {
    let root = origin.split('.').next().unwrap_or(origin);
    let is_part = |part: &&str| part.split('.').next() == Some(root);
    has(&WHOLE, root) || PARTS.iter().any(is_part)
}

/// Whether a built-in name reads or changes what is outside; `print` does not count.
pub(super) fn is_impure_built_in(name: &str) -> bool {
    has(&BUILT_IN, name)
}

fn has(sorted: &[&str], name: &str) -> bool {
    sorted.binary_search(&name).is_ok()
}

/// Whether a name is one of some or lies below one.
fn is_within(sorted: &[&str], dotted: &str) -> bool {
    let ends = dotted.match_indices('.').map(|(at, _)| at);
    ends.chain([dotted.len()])
        .filter_map(|at| dotted.get(..at))
        .any(|name| has(sorted, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in [&WHOLE[..], &DENIED, &PARTS, &IMPURE, &BUILT_IN] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }

    #[test]
    fn natures() {
        for (name, want) in [
            ("math.sqrt", Nature::Pure),
            ("re", Nature::Pure),
            ("collections.abc.Mapping", Nature::Pure),
            ("os.path.join", Nature::Pure),
            ("os.path.exists", Nature::Impure),
            ("os.path", Nature::Impure),
            ("os", Nature::Impure),
            ("os.environ.get", Nature::Impure),
            ("datetime.datetime.strptime", Nature::Pure),
            ("datetime.datetime.now", Nature::Impure),
            ("sys.maxsize.bit_length", Nature::Pure),
            ("sys.argv", Nature::Impure),
            ("random.random", Nature::Impure),
            ("urllib.parse.quote", Nature::Pure),
            ("urllib.request.urlopen", Nature::Impure),
            ("numpy.array", Nature::Foreign),
            (".utils.f", Nature::Foreign),
            ("", Nature::Foreign),
        ] {
            assert_eq!(nature(name), want, "{name}");
        }
        assert!(is_importable("os.path") && is_importable("json"));
        assert!(!is_importable("random") && !is_importable("numpy") && !is_importable(".m"));
        assert!(is_impure_built_in("open") && !is_impure_built_in("len"));
    }
}
