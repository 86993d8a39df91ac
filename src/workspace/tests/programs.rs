//! What programs and scripts may change, as commands name them.

use crate::workspace::tests::dialects::becomes;
use crate::workspace::tests::dialects::shell;

/// What a program may do to the file that a here-document wrote.
#[test]
fn programs_that_write_what_they_are_given() {
    let write = || shell("cat > /testbed/a.py <<'EOF'\nx\ny\nEOF", "");
    for cmd in [
        "sort -o a.py a.py",
        "sort --output=a.py b.txt",
        "curl -o a.py https://x.org/y",
        "curl -oa.py https://x.org/y",
        "curl -O https://x.org/a.py?raw=1",
        "wget -O a.py https://x.org/y",
        "wget https://x.org/a.py",
        "cat b | sponge a.py",
        "cat b | tee a.py",
        "dd if=b of=a.py",
        "nice sed -i s/x/y/ a.py",
        "nice -n 10 sed -i s/x/y/ .",
        "unbuffer sed -i s/x/y/ a.py",
        "ionice -c 2 -n 7 stdbuf -o L black .",
        "sudo -u me time black .",
        "timeout -k 5 10 black .",
        "ls | xargs -n 1 sed -i s/x/y/",
        "python -m ruff check --fix .",
        "python3 -X dev -m ruff format src a.py",
        "python -m black .",
        "python -m lib2to3 -w a.py",
        "python -m mytool a.py",
        "coverage run -m mytool a.py",
        "mytool a.py",
        "mytool --target=a.py",
        "mytool --fix .",
        "mytool *.py",
        "./mytool a.py",
        "make a.py",
        "sed -n 'w a.py' b",
        "awk '{print > \"a.py\"}' b",
        "find . -name '*.py' -exec sed -i s/x/y/ {} \\;",
        "find . -exec grep -q x {} \\; -exec rm {} +",
        "find . -exec sort -o {} {} \\;",
        "find . -exec sh -c 'grep x {}' \\;",
        "find . -name '*.py' -delete",
        "find . -fprint a.py",
        "git checkout -b fix main",
        "git switch main",
    ] {
        println!("{cmd}");
        let cmd = format!("cd /testbed && {cmd}");
        becomes(vec![write(), shell(&cmd, "")], &["1?", "1+x|2+y", "1?"]);
    }
    for cmd in [
        "python a.py",
        "python -u a.py",
        "coverage run a.py",
        "python -m pytest a.py",
        "python -m py_compile a.py",
        "sort a.py",
        "wc -l a.py",
        "grep -o x a.py",
        "diff a.py b.py",
        "ls | xargs grep -n x",
        "sudo cat a.py",
        "black --check a.py",
        "ruff check a.py",
        "mytool b.py",
        "mytool .",
        "make",
        "curl https://x.org/y",
        "awk '{print $1}' a.py",
        "find . -name '*.py' -exec grep -l 'x' {} \\;",
        "find . -type f -exec grep -q x {} \\; -exec wc -l {} + -print",
        "git checkout -b fix",
        "git switch -c fix",
    ] {
        println!("{cmd}");
        let cmd = format!("cd /testbed && {cmd}");
        becomes(
            vec![write(), shell(&cmd, "")],
            &["1?", "1+x|2+y", "1~x|2~y"],
        );
    }
}

/// A script whose text is known changes the files that it names, itself only where it says so.
#[test]
fn scripts_that_write() {
    let script = |line: &str| {
        let cmd = format!("cat > /testbed/a.py <<'EOF'\n{line}\nEOF");
        vec![
            shell(&cmd, ""),
            shell("cd /testbed && python a.py b.txt", ""),
        ]
    };
    let keeps = "open('out.txt', 'w')";
    let (plus, later) = (format!("1+{keeps}"), format!("1~{keeps}"));
    becomes(script(keeps), &["1?", plus.as_str(), later.as_str()]);
    for line in [
        "open('a.py', 'w')",
        "open(__file__, 'w')",
        "import sys; open(sys.argv[0], 'w')",
    ] {
        becomes(script(line), &["1?", format!("1+{line}").as_str(), "1?"]);
    }
}
