//! Times sandboxes of namespaces, beside bubblewrap and podman or docker where they are installed, and prints a table:
//!
//! `cargo bench --bench sandbox`
//!
//! A start with its end, a start up to the first answer of a shell on a terminal, a trivial command in that shell, and a
//! process of its own. Engines take the image that `HGVIEW_BENCH_IMAGE` names, or the first that they have. Medians.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints its table, and stops where it cannot measure"
)]

use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::sandbox::Backend as _;
use hgview::sandbox::Heard;
use hgview::sandbox::Launch;
use hgview::sandbox::Namespace;
use hgview::sandbox::Process;
use hgview::sandbox::Sandbox;
use hgview::sandbox::Spec;
use hgview::sandbox::Streams;
use hgview::sandbox::Tree;

const RUNS: usize = 30;
/// Runs of an engine, which takes its time.
const FEW_RUNS: usize = 5;

fn median(runs: usize, mut once: impl FnMut() -> Duration) -> f64 {
    let mut took: Vec<Duration> = (0..runs).map(|_| once()).collect();
    took.sort_unstable();
    let middle = took.get(runs / 2).expect("it ran");
    middle.as_secs_f64() * 1000.0
}

fn start() -> Box<dyn Sandbox> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let spec = Spec {
        trees: vec![Tree {
            at: "/testbed".to_owned(),
            lower: Some(folder.into()),
        }],
        ..Spec::default()
    };
    Namespace::with_program(env!("CARGO_BIN_EXE_hgview"))
        .start(&spec, &Cancel::new())
        .expect("this machine lets sandboxes start")
}

fn shell(sandbox: &mut dyn Sandbox) -> Box<dyn Process> {
    let launch = Launch {
        argv: ["bash", "--norc", "--noprofile"]
            .map(str::to_owned)
            .to_vec(),
        cwd: "/testbed".to_owned(),
        env: Vec::new(),
        streams: Streams::Terminal {
            rows: 1000,
            columns: 1000,
        },
    };
    sandbox.spawn(&launch).expect("bash is there")
}

/// Types a command and waits for its answer, which is not what was typed.
fn answer(shell: &mut dyn Process, command: &str) {
    let line = format!("{command}; echo an''swer\n");
    shell.write(line.as_bytes()).expect("it reads");
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains("answer") {
        match shell.read(&mut heard, Duration::from_secs(10)) {
            Ok(Heard::Bytes) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn time(once: impl FnOnce()) -> Duration {
    let began = Instant::now();
    once();
    began.elapsed()
}

fn row(what: &str, ms: f64) {
    println!("| {what} | {ms:.1} ms |");
}

fn runs(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn main() {
    println!("| what | median |\n| --- | ---: |");
    row(
        "namespaces: start and end",
        median(RUNS, || time(|| drop(start()))),
    );
    let first = median(RUNS, || {
        time(|| {
            let mut sandbox = start();
            answer(shell(sandbox.as_mut()).as_mut(), ":");
        })
    });
    row("namespaces: start, bash, first answer, end", first);
    let mut sandbox = start();
    let mut bash = shell(sandbox.as_mut());
    for command in [":", "/bin/true"] {
        let took = median(RUNS * 5, || time(|| answer(bash.as_mut(), command)));
        row(&format!("namespaces: {command} in that bash"), took);
    }
    let took = median(RUNS, || {
        time(|| {
            let mut other = shell(sandbox.as_mut());
            answer(other.as_mut(), ":");
        })
    });
    row("namespaces: another bash", took);
    drop(sandbox);
    let bubblewrap = || {
        let mut command = Command::new("bwrap");
        command.args(
            "--unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp true".split(' '),
        );
        command
    };
    if runs(&mut bubblewrap()) {
        let took = median(RUNS, || time(|| assert!(runs(&mut bubblewrap()))));
        row("bubblewrap: true", took);
    }
    for engine in ["podman", "docker"] {
        let images = Command::new(engine).args(["images", "-q"]).output();
        let images = images.map(|told| String::from_utf8_lossy(&told.stdout).into_owned());
        let first = images.unwrap_or_default().lines().next().map(str::to_owned);
        let Some(image) = std::env::var("HGVIEW_BENCH_IMAGE").ok().or(first) else {
            continue;
        };
        let run = || {
            let mut command = Command::new(engine);
            command.args(["run", "--rm", "--network=none", &image, "true"]);
            command
        };
        if runs(&mut run()) {
            let took = median(FEW_RUNS, || time(|| assert!(runs(&mut run()))));
            row(&format!("{engine}: true"), took);
        }
    }
}
