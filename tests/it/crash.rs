//! Programs that are killed at any moment, and disks that are full: what was said to be saved is there, what is there is
//! whole.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use hgview::review::Ledger;
use hgview::review::Place;
use rustix::process::Signal;

use crate::dice::Dice;
use crate::program::Program;
use crate::program::chat_row;
use crate::program::limited;
use crate::pty::Pty;
use crate::pty::Seen;
use crate::pty::Stage;

/// How often each kind of program is killed.
const KILLS: u64 = 8;

/// Kills a program at some moment of the time that it takes; whether it had ended before.
fn kill_within(child: &mut Child, whole: Duration, dice: &mut Dice) -> bool {
    let until = Instant::now() + dice.moment(whole + whole / 8);
    while Instant::now() < until {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap().success()
}

fn rows(count: usize) -> String {
    long_rows(count, 60)
}

fn long_rows(count: usize, words: usize) -> String {
    let row = |nth| {
        let long = format!("echo {}", "harbor.moor(vessel) ".repeat(words));
        chat_row(&format!("o__n-{nth}"), &[long.as_str(), "ls", "pytest -q"])
    };
    (0..count).map(row).collect()
}

fn place(folder: &Path) -> Place {
    Place::of(&[], Some(folder), Path::new("/nowhere")).unwrap()
}

/// The ids that lines of a journal decide on; all lines but the last one must be whole.
#[track_caller]
fn ids(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("decisions.ada.jsonl")).unwrap_or_default();
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        match serde_json::from_str::<serde_json::Value>(line) {
            Ok(line) => found.push(line["record"]["id"].as_str().unwrap().to_owned()),
            Err(err) => assert!(!line.ends_with('\n'), "{err}: {line:?}"),
        }
    }
    found
}

/// Whether the last line of the screen says of all decisions that they are on the disk; a frame that is still being
/// written says nothing.
fn says_saved(seen: &Seen) -> bool {
    // small frames come whole, without marks
    let is_there = |mark: &[u8]| memchr::memmem::rfind(&seen.bytes, mark);
    if is_there(b"\x1b[?2026h") > is_there(b"\x1b[?2026l") {
        return false;
    }
    let text = seen.text();
    let status = text.lines().rfind(|line| !line.trim().is_empty());
    status.is_some_and(|line| line.contains("saved") && !line.contains("NOT SAVED"))
}

/// Whether the head of the list counts so many records as decided.
fn has_decided(seen: &Seen, count: usize) -> bool {
    seen.shows(&format!("  {count} decided"))
}

#[test]
fn what_the_screen_calls_saved_survives_kill_9() {
    const RECORDS: usize = 40;
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("data.jsonl");
    fs::write(&path, rows(RECORDS)).unwrap();
    let reviews = data.path().join("reviews");
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut decided = 0;
    for kill in 0..KILLS {
        if decided + 8 > RECORDS {
            break;
        }
        let pty = decide_on(&path, &reviews);
        pty.wait("the journals are read", |seen| {
            decided == 0 || has_decided(seen, decided)
        });
        // it begins at the first record, which was decided on before
        pty.keys(".a");
        let sure = decided + 1;
        pty.wait("it is saved", |seen| {
            has_decided(seen, sure) && says_saved(seen)
        });
        // more of them, of which nobody waits for the word
        let more = dice.throw(5);
        pty.keys(&"a".repeat(more));
        let until = Instant::now() + dice.moment(Duration::from_millis(20));
        while Instant::now() < until {
            std::thread::yield_now();
        }
        pty.signal(pty.pid(), Signal::KILL);
        pty.ends().unwrap_err();
        let ledger = Ledger::load(&place(&reviews));
        let now = ledger.decided("ada");
        assert!(
            (sure..=sure + more).contains(&now),
            "kill {kill}: {now} of {sure} and {more} more"
        );
        assert_eq!(ids(&reviews).len(), now, "kill {kill}");
        decided = now;
    }
    let pty = decide_on(&path, &reviews);
    pty.wait("it goes on", |seen| has_decided(seen, decided));
    pty.keys("q");
    assert_eq!(pty.ends(), Ok(0));
}

fn decide_on(data: &Path, reviews: &Path) -> Pty {
    let (data, reviews) = (data.to_str().unwrap(), reviews.to_str().unwrap());
    let args = [data, "--review-dir", reviews, "--reviewer", "ada"];
    let pty = Stage::new().run(&args);
    pty.shows("/40");
    pty
}

#[test]
fn what_mark_says_survives_kill_9() {
    const RECORDS: usize = 20;
    let program = Program::new();
    let path = program.file("data.jsonl", rows(RECORDS));
    let reviews = program.home().join("reviews");
    let mark = |nth: usize| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hgview"));
        command
            .args([
                "mark",
                path.to_str().unwrap(),
                "--nth",
                &(nth + 1).to_string(),
            ])
            .args(["accept", "--reviewer", "ada", "--review-dir"])
            .arg(&reviews)
            .env_clear()
            .env("HOME", program.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    };
    let began = Instant::now();
    assert!(mark(0).status().unwrap().success());
    let whole = began.elapsed();
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let mut said = vec!["o__n-0".to_owned()];
    for nth in 1..RECORDS {
        let mut child = mark(nth).spawn().unwrap();
        kill_within(&mut child, whole, &mut dice);
        let out = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
        if out.contains(&format!("o__n-{nth}")) {
            said.push(format!("o__n-{nth}"));
        }
        let there = ids(&reviews);
        for id in &said {
            assert!(there.contains(id), "{id} is lost");
        }
    }
    let ledger = Ledger::load(&place(&reviews));
    assert!(ledger.decided("ada") >= said.len());
    // whatever the last kill left, the next one goes on
    assert!(mark(0).status().unwrap().success());
    let ledger = Ledger::load(&place(&reviews));
    assert!(ledger.troubles().is_empty(), "{:?}", ledger.troubles());
}

/// The files of a folder by name, those that begin with a dot aside.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    named
        .filter(|(name, _)| !name.starts_with('.'))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

fn export<'a>(data: &'a Path, format: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let data = data.to_str().unwrap();
    let args = ["export", data, "-o", "out/set", "--format", format];
    [&args[..], more].concat()
}

#[test]
fn an_export_that_is_killed_is_there_whole_or_not_at_all() {
    for format in ["raw", "chat", "steps"] {
        let program = Program::new();
        let data = program.file("data.jsonl", rows(60));
        let out = program.home().join("out");
        fs::create_dir(&out).unwrap();
        let began = Instant::now();
        program.run(&export(&data, format, &[])).ends(0);
        let whole = began.elapsed();
        let want = files(&out);
        assert_eq!(want.len(), 2, "the set and its manifest");
        let mut dice = Dice(0x1234_5678_9abc_def1);
        for kill in 0..KILLS {
            // over an older set every other time
            let old: BTreeMap<String, Vec<u8>> = if kill % 2 == 0 {
                BTreeMap::new()
            } else {
                let old = |name: &String| (name.clone(), b"older".to_vec());
                want.keys().map(old).collect()
            };
            fs::remove_dir_all(&out).unwrap();
            fs::create_dir(&out).unwrap();
            for (name, bytes) in &old {
                fs::write(out.join(name), bytes).unwrap();
            }
            let mut child = program.spawn(&export(&data, format, &["--force"]));
            let is_done = kill_within(&mut child, whole, &mut dice);
            let now = files(&out);
            for (name, bytes) in &now {
                let is_whole = want.get(name) == Some(bytes);
                let is_old = old.get(name) == Some(bytes);
                assert!(is_whole || is_old, "{format}: {name} is half written");
            }
            // a manifest is that of the set beside it
            if let (Some(set), Some(manifest)) = (now.get("set"), now.get("set.manifest.json")) {
                assert_eq!(
                    want.get("set") == Some(set),
                    want.get("set.manifest.json") == Some(manifest),
                    "{format}: the set and the account of another"
                );
            }
            assert!(!is_done || now == want, "{format}: it said that it is done");
        }
        // what was left behind is no data, and in nobody's way
        program.run(&export(&data, format, &["--force"])).ends(0);
        assert_eq!(files(&out), want, "{format}");
        let listed = program.run(&["list", "out", "--json"]);
        assert!(!listed.out.contains(".hgview-export-"), "{}", listed.out);
    }
}

/// A file that was left alone for so long that its index is kept.
fn aged(program: &Program) -> PathBuf {
    let path = program.file("data.jsonl", long_rows(80, 800));
    let file = fs::File::options().append(true).open(&path).unwrap();
    assert!(file.metadata().unwrap().len() > 1 << 20);
    let then = SystemTime::now() - Duration::from_hours(1);
    file.set_modified(then).unwrap();
    path
}

fn cache(program: &Program) -> PathBuf {
    program.home().join(".cache/hgview/index")
}

#[test]
fn an_index_whose_writer_is_killed_is_whole_or_ignored() {
    let program = Program::new();
    let path = aged(&program);
    let list = ["list", path.to_str().unwrap(), "--json"];
    let want = program.run(&[&list[..], &["--no-cache"]].concat()).ends(0);
    let began = Instant::now();
    program.run(&list).ends(0);
    let whole = began.elapsed();
    assert_eq!(fs::read_dir(cache(&program)).unwrap().count(), 1);
    let mut dice = Dice(0x0bad_cafe_dead_beef);
    for kill in 0..KILLS {
        fs::remove_dir_all(cache(&program)).unwrap();
        let mut child = program.spawn(&list);
        kill_within(&mut child, whole, &mut dice);
        let got = program.run(&list).ends(0);
        assert!(got.out == want.out, "kill {kill}");
    }
    // cut wherever a crash of the machine may cut it
    let entries = fs::read_dir(cache(&program)).unwrap().map(Result::unwrap);
    let mut paths = entries.map(|entry| entry.path());
    let sidecar = paths
        .find(|path| path.extension().is_some_and(|ending| ending == "index"))
        .unwrap();
    let bytes = fs::read(&sidecar).unwrap();
    for nth in 0..KILLS {
        let at = dice.throw(bytes.len());
        let mut torn = bytes[..at].to_vec();
        if nth % 2 == 0 {
            // its length reached the disk, its bytes did not
            torn.resize(bytes.len(), 0);
        }
        fs::write(&sidecar, torn).unwrap();
        let got = program.run(&list).ends(0);
        assert!(got.out == want.out, "cut at {at} of {}", bytes.len());
    }
}

#[test]
fn an_export_that_does_not_fit_is_an_error_and_leaves_nothing() {
    for format in ["raw", "chat", "steps"] {
        for old in [None, Some("older")] {
            let program = Program::new();
            let data = program.file("data.jsonl", rows(900));
            let out = program.home().join("out");
            fs::create_dir(&out).unwrap();
            if let Some(old) = old {
                fs::write(out.join("set"), old).unwrap();
            }
            let run = limited(&program, 1, &export(&data, format, &["--force"]));
            let err = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(2), "{format}: {err}");
            assert!(err.contains("cannot write out/set"), "{format}: {err}");
            let there = fs::read_dir(&out).unwrap().count();
            assert_eq!(there, usize::from(old.is_some()), "{format}: {err}");
            if let Some(old) = old {
                assert_eq!(fs::read_to_string(out.join("set")).unwrap(), old);
            }
        }
    }
}

#[test]
fn an_index_that_does_not_fit_is_no_matter() {
    let program = Program::new();
    let path = aged(&program);
    let list = ["list", path.to_str().unwrap(), "--json"];
    let want = program.run(&[&list[..], &["--no-cache"]].concat()).ends(0);
    for _ in 0..2 {
        let run = limited(&program, 1, &list);
        assert_eq!(run.status.code(), Some(0));
        assert_eq!(String::from_utf8(run.stderr).unwrap(), want.err);
        assert!(String::from_utf8(run.stdout).unwrap().contains("o__n-79"));
        let left = fs::read_dir(cache(&program)).into_iter().flatten();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        // where records are may fit; what they are does not
        let is_whole = |name: &OsString| Path::new(name).extension() == Some("index".as_ref());
        assert!(left.iter().all(is_whole) && left.len() <= 1, "{left:?}");
    }
    assert!(program.run(&list).ends(0).out == want.out);
}

/// A disk of 16 KB of which all but one page is taken, for the folder of decisions.
const SMALL_DISK: &str = r#"
mkdir -p "$HOME/reviews"
exec unshare --user --map-root-user --mount sh -c '
    mount -t tmpfs -o size=16k none "$HOME/reviews" || { echo "nothing can be mounted"; exit; }
    head -c 8192 /dev/zero >"$HOME/reviews/filler"
    exec "$@"
' sh "$@"
"#;

#[test]
fn the_screen_does_not_call_saved_what_a_full_disk_refused() {
    const RECORDS: usize = 40;
    let stage = Stage::new();
    let data = stage.file("data.jsonl", rows(RECORDS));
    let reviews = stage.home().join("reviews");
    let (data, folder) = (data.to_str().unwrap(), reviews.to_str().unwrap());
    let args = [data, "--review-dir", folder, "--reviewer", "ada"];
    let pty = stage.script(SMALL_DISK, &args);
    pty.wait("it starts or cannot", |seen| {
        seen.shows("/40") || !seen.screen().alternate_screen() && !seen.text().trim().is_empty()
    });
    if !pty.look(|seen| seen.shows("/40")) {
        eprintln!("skipped: {}", pty.look(Seen::text));
        return;
    }
    // the disk as the program sees it
    let inside =
        PathBuf::from(format!("/proc/{}/root", pty.pid())).join(reviews.strip_prefix("/").unwrap());
    let mut decided = 0;
    loop {
        pty.keys("a");
        decided += 1;
        pty.wait("it is decided", |seen| {
            has_decided(seen, decided) && (says_saved(seen) || seen.shows("NOT SAVED"))
        });
        let there = ids(&inside).len();
        if pty.look(|seen| seen.shows("NOT SAVED")) {
            assert_eq!(there, decided - 1);
            break;
        }
        assert_eq!(there, decided, "it says that all are saved");
    }
    assert!(decided > 1, "there was room for some");
    // more decisions are queued, too, and none is written by half
    pty.keys("a")
        .wait("it is decided", |seen| has_decided(seen, decided + 1));
    assert!(pty.look(|seen| !says_saved(seen)));
    let text = fs::read_to_string(inside.join("decisions.ada.jsonl")).unwrap();
    assert_eq!(text.lines().count(), decided - 1);
    // room again: all that waited is written, without a key
    fs::remove_file(inside.join("filler")).unwrap();
    pty.wait("it is saved", says_saved);
    assert_eq!(ids(&inside).len(), decided + 1);
    pty.keys("q");
    assert_eq!(pty.ends(), Ok(0));
}
