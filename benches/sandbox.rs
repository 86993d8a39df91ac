//! Times sandboxes, beside bubblewrap and podman or docker where they work, and prints a table:
//!
//! `cargo bench --bench sandbox`
//!
//! A start with its end, a start up to the first answer of a shell on a terminal, a trivial command in that shell, and a
//! process of its own; what a hundred sandboxes at once take. Those that start something take turns, so that they share
//! whatever else the machine does: the median, the least, and how many times the median of bubblewrap (or of a bare
//! process) that is. Engines take the image that `HGVIEW_BENCH_IMAGE` names, or one that is made of this machine's bash.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints its table, and stops where it cannot measure"
)]

use std::collections::HashMap;
use std::path::Path;
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
/// Sandboxes at once.
const MANY: usize = 100;

/// How long something takes, in milliseconds.
struct Took {
    median: f64,
    least: f64,
}

impl Took {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let ms = |at: usize| took.get(at).expect("it ran").as_secs_f64() * 1000.0;
        Self {
            median: ms(took.len() / 2),
            least: ms(0),
        }
    }

    fn row(&self, what: &str, reference: Option<f64>) {
        let times = reference.map_or(String::new(), |one| format!("{:.2}", self.median / one));
        println!(
            "| {what} | {:.1} | {:.1} | {times} |",
            self.median, self.least
        );
    }
}

fn times(runs: usize, mut once: impl FnMut() -> Duration) -> Took {
    Took::of((0..runs).map(|_| once()).collect())
}

/// Something that is started and ends.
type Start<'a> = (String, Box<dyn FnMut() + 'a>);

/// Times several by turns; the ratios are to the first.
fn compare(runs: usize, all: &mut [Start<'_>]) {
    let mut took: Vec<Vec<Duration>> = all.iter().map(|_| Vec::new()).collect();
    for _ in 0..runs {
        for ((_, start), took) in all.iter_mut().zip(&mut took) {
            took.push(time(start));
        }
    }
    let mut first = None;
    for ((what, _), took) in all.iter().zip(took) {
        let took = Took::of(took);
        let reference = *first.get_or_insert(took.median);
        took.row(what, Some(reference));
    }
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

fn runs(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn bubblewrap() -> Command {
    let mut command = Command::new("bwrap");
    command
        .args("--unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp true".split(' '));
    command
}

/// An image of bash and its libraries in an engine; its name, or why there is none.
fn image(engine: &str, folder: &Path) -> Result<String, String> {
    if let Ok(image) = std::env::var("HGVIEW_BENCH_IMAGE") {
        return Ok(image);
    }
    let script = "set -e; cd \"$1\"; mkdir -p root/bin root/proc root/sys root/dev root/tmp root/etc; \
                  for p in /bin/bash /bin/true; do cp -L $p root/bin/; \
                  for l in $(ldd $p | grep -o '/[^ ]*'); do mkdir -p root$(dirname $l); cp -L $l root$l; done; done; \
                  tar -C root -cf image.tar .; \"$2\" import image.tar hgview-bench:1";
    let made = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(folder)
        .arg(engine)
        .output();
    let made = made.map_err(|err| err.to_string())?;
    if made.status.success() {
        return Ok("hgview-bench:1".to_owned());
    }
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    Err(said.lines().last().unwrap_or("it fails").to_owned())
}

/// The bytes of memory of all that this process started, each with its share of what is shared.
fn memory_of_children() -> u64 {
    let number = |pid: &str, file: &str, front: &str| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(front))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let all = std::fs::read_dir("/proc")
        .expect("there is /proc")
        .flatten();
    let all: Vec<String> = all
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    let parents: HashMap<&str, u64> = all
        .iter()
        .filter_map(|pid| Some((pid.as_str(), number(pid, "status", "PPid:")?)))
        .collect();
    let me = u64::from(std::process::id());
    let is_ours = |pid: &str| {
        let above = std::iter::successors(parents.get(pid), |above| {
            parents.get(above.to_string().as_str())
        });
        above.copied().any(|above| above == me)
    };
    let ours = all.iter().filter(|pid| is_ours(pid));
    ours.filter_map(|pid| number(pid, "smaps_rollup", "Pss:"))
        .sum::<u64>()
        * 1024
}

fn many() {
    let began = Instant::now();
    let mut all: Vec<Box<dyn Sandbox>> = (0..MANY).map(|_| start()).collect();
    let opened = began.elapsed();
    let mut shells: Vec<Box<dyn Process>> = Vec::new();
    for sandbox in &mut all {
        let mut shell = shell(sandbox.as_mut());
        answer(shell.as_mut(), "echo x > /testbed/x");
        shells.push(shell);
    }
    let megabytes = memory_of_children() >> 20;
    println!(
        "\n{MANY} namespace sandboxes at once, each with a bash: opened in {:.2} s, {megabytes} MiB of memory",
        opened.as_secs_f64()
    );
}

/// The rows of container engines, where they work.
fn engines(folder: &Path) {
    for engine in ["podman", "docker"] {
        let image = match image(engine, folder) {
            Ok(image) => image,
            Err(why) => {
                println!("| {engine} run: true | {why} | | |");
                continue;
            }
        };
        let run_by = |runtime: &[&str]| {
            let mut command = Command::new(engine);
            // not all machines let a container have as much as the engine asks for
            let bounds = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
            command
                .args(runtime)
                .args(["run", "--rm", "--network=none"]);
            command.args(bounds).args([&image, "/bin/true"]);
            command
        };
        // the runtime that the engine would take is not always the one that works
        let runtimes = [&[][..], &["--runtime=runc"]];
        let works = runtimes
            .into_iter()
            .find(|runtime| runs(&mut run_by(runtime)));
        if let Some(runtime) = works {
            let run = || run_by(runtime);
            let mut all: Vec<Start<'_>> = vec![
                (
                    "namespaces: start and end, meanwhile".to_owned(),
                    Box::new(|| drop(start())),
                ),
                (
                    format!("{engine} run: true"),
                    Box::new(|| assert!(runs(&mut run()))),
                ),
            ];
            compare(FEW_RUNS, &mut all);
        } else {
            println!("| {engine} run: true | it fails | | |");
        }
        if image == "hgview-bench:1" {
            runs(Command::new(engine).args(["rmi", "-f", &image]));
        }
    }
}

fn main() {
    println!("| what | median ms | least ms | times the first |\n| --- | ---: | ---: | ---: |");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut all: Vec<Start<'_>> = Vec::new();
    let has_bubblewrap = runs(&mut bubblewrap());
    if has_bubblewrap {
        all.push((
            "bubblewrap: true".to_owned(),
            Box::new(|| assert!(runs(&mut bubblewrap()))),
        ));
    }
    all.push((
        "bare process: true".to_owned(),
        Box::new(|| assert!(runs(&mut Command::new("true")))),
    ));
    all.push((
        "namespaces: start and end".to_owned(),
        Box::new(|| drop(start())),
    ));
    all.push((
        "namespaces: start, bash, first answer, end".to_owned(),
        Box::new(|| {
            let mut sandbox = start();
            answer(shell(sandbox.as_mut()).as_mut(), ":");
        }),
    ));
    compare(RUNS, &mut all);
    let mut sandbox = start();
    let mut bash = shell(sandbox.as_mut());
    for command in [":", "/bin/true"] {
        let took = times(RUNS * 5, || time(|| answer(bash.as_mut(), command)));
        took.row(&format!("namespaces: {command} in that bash"), None);
    }
    let took = times(RUNS, || {
        time(|| {
            let mut other = shell(sandbox.as_mut());
            answer(other.as_mut(), ":");
        })
    });
    took.row("namespaces: another bash", None);
    drop(sandbox);
    engines(folder.path());
    many();
}
