//! The real binary on a terminal: it takes it over, and gives it back whatever happens.

use std::fs;
use std::io::Read as _;
use std::time::Duration;
use std::time::Instant;

use base64::Engine as _;
use hgview::review::Ledger;
use hgview::review::Place;
use hgview::ui::terminal::Screen;
use regex::bytes::Regex;
use rustix::process::Signal;

use crate::program::sample;
use crate::pty::Pty;
use crate::pty::Seen;
use crate::pty::Stage;

/// The state of a process in `/proc`: `S` sleeps, `T` is stopped.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(") ")?;
    after.chars().next()
}

/// The child of a process.
fn child(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// Waits for what no terminal tells.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

fn story() -> String {
    sample("openhands-v0/output.jsonl")
}

#[track_caller]
fn is_given_back(pty: &Pty) {
    pty.wait("the terminal is given back", Seen::is_given_back);
}

#[test]
fn a_silent_terminal_shows_the_list() {
    let pty = Stage::new().silent().run(&[&story()]);
    pty.shows("func_gen").shows("1/6");
    pty.look(|seen| {
        assert!(seen.screen().hide_cursor());
        assert_ne!(
            seen.screen().mouse_protocol_mode(),
            vt100::MouseProtocolMode::None
        );
    });
    pty.keys("q");
    is_given_back(&pty);
    assert_eq!(pty.ends(), Ok(0));
}

/// A single record is opened at once; at the end the terminal is as it was, line editing included.
#[test]
fn a_single_record_and_the_way_out() {
    let script = r#""$@"; echo "code $?"; stty -a"#;
    let pty = Stage::new().script(script, &[&sample("chat/xml.jsonl")]);
    pty.shows("what was asked")
        .keys("q")
        .shows("LIST")
        .keys("q");
    is_given_back(&pty);
    pty.wait("the shell goes on", |seen| seen.text().contains("code 0"));
    pty.wait("stty tells all", |seen| seen.text().contains("echoctl"));
    let text = pty.look(Seen::text);
    let modes: Vec<&str> = text.split_whitespace().collect();
    for mode in ["icanon", "echo", "isig", "opost"] {
        assert!(modes.contains(&mode), "{mode}: {text}");
    }
    assert_eq!(pty.ends(), Ok(0));
    let pty = Stage::new().run(&[&story(), "--no-mouse"]);
    pty.shows("1/6");
    pty.look(|seen| {
        assert_eq!(
            seen.screen().mouse_protocol_mode(),
            vt100::MouseProtocolMode::None
        );
    });
}

#[test]
fn resizing() {
    let pty = Stage::new().run(&[&story()]);
    pty.shows("1/6").resize(150, 30).shows("what was asked");
    pty.resize(30, 8)
        .wait("it is narrow", |seen| !seen.shows("what was asked"));
    pty.resize(10, 3).shows("too small");
    pty.resize(100, 30).shows("1/6").shows("func_gen");
}

/// Under a shell with job control: Ctrl-Z gives the terminal back and stops, `fg` goes on.
#[test]
fn suspending() {
    let script = r#"set -m; "$@"; echo "shell has it"; read line; fg; echo "code $?""#;
    let pty = Stage::new().script(script, &[&story()]);
    pty.shows("1/6").keys("jj").shows("3/6").keys("\x1a");
    pty.wait("the shell has the terminal", |seen| {
        seen.is_given_back() && seen.text().contains("shell has it")
    });
    let program = child(pty.pid()).expect("the job is there");
    until("it is stopped", || state(program) == Some('T'));
    pty.keys("\n").shows("3/6");
    pty.keys("k").shows("2/6").keys("q");
    pty.wait("the shell ends", |seen| seen.text().contains("code 0"));
    is_given_back(&pty);
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let pty = Stage::new().run(&[&story()]);
        pty.shows("1/6").signal(pty.pid(), signal);
        is_given_back(&pty);
        assert_eq!(pty.ends(), Ok(0), "{signal:?}");
    }
}

/// A window that is closed ends it, also where the hang-up signal is ignored (nohup, sudo).
#[test]
fn a_closed_terminal_ends_it() {
    for script in [r#"exec "$@""#, r#"trap "" HUP; exec "$@""#] {
        let mut pty = Stage::new().script(script, &[&story()]);
        pty.shows("1/6");
        pty.hang_up();
        // how it ends is nobody's business any more
        drop(pty.ends());
    }
}

#[test]
fn no_color() {
    let colour = |seen: &Seen| {
        let selects = Regex::new(r"\x1b\[([0-9;:]*)m").unwrap();
        let parameters: Vec<String> = selects
            .captures_iter(&seen.bytes)
            .map(|found| String::from_utf8_lossy(&found[1]).into_owned())
            .collect();
        parameters.into_iter().find(|text| {
            text.split([';', ':'])
                .any(|number| matches!(number.parse(), Ok(30..=38 | 40..=48 | 90..=107)))
        })
    };
    let pty = Stage::new().env("NO_COLOR", "1").run(&[&story()]);
    pty.shows("1/6")
        .keys("\r")
        .shows("what was asked")
        .keys("8l/def\r")
        .shows("1/");
    assert_eq!(pty.look(colour), None);
    let pty = Stage::new().run(&[&story()]);
    pty.shows("1/6");
    assert!(pty.look(colour).is_some(), "the test would see colours");
}

#[test]
fn standard_input_is_the_data_and_keys_come_from_the_terminal() {
    let script = format!(r#"cat "{}" | "$@"; echo "code $?""#, story());
    let pty = Stage::new().script(&script, &["-"]);
    pty.shows("1/6").keys("jj").shows("3/6").keys("q");
    pty.wait("it ends", |seen| seen.text().contains("code 0"));
    is_given_back(&pty);
}

#[test]
fn the_editor_and_back() {
    let stage = Stage::new();
    let editor = stage.file(
        "editor",
        "#!/bin/sh\necho 'the editor is here'\nread line\ncp \"$1\" \"$HOME/edited.md\"\n",
    );
    let stage = stage.env("EDITOR", &format!("sh {}", editor.display()));
    let pty = stage.run(&[&sample("chat/xml.jsonl")]);
    pty.shows("what was asked").keys("e");
    pty.wait("the editor has the terminal", |seen| {
        seen.is_given_back() && seen.text().contains("the editor is here")
    });
    pty.keys("typed\n").shows("what was asked");
    // no key that the editor had is lost or taken
    pty.keys("l").shows("step 0/8");
    let text = fs::read_to_string(pty.stage().home().join("edited.md")).unwrap();
    assert!(
        text.contains("what was asked") && text.contains("total_tonnage"),
        "{text}"
    );
    pty.keys("qq");
    is_given_back(&pty);
    assert_eq!(pty.ends(), Ok(0));
}

#[test]
fn copies_go_through_the_terminal() {
    let pty = Stage::new().run(&[&story()]);
    pty.shows("1/6").keys("yi").shows("copied the id by OSC 52");
    let id = "tidepool__harbor-kit.func_localize.1";
    let text = base64::engine::general_purpose::STANDARD.encode(id);
    let wanted = format!("\x1b]52;c;{text}");
    pty.look(|seen| {
        assert!(
            memchr::memmem::find(&seen.bytes, wanted.as_bytes()).is_some(),
            "{wanted:?}"
        );
    });
}

#[test]
fn following() {
    use std::io::Write as _;
    let stage = Stage::new();
    let line = fs::read(sample("faults/no_newline.jsonl")).unwrap();
    let line: Vec<u8> = line
        .split_inclusive(|byte| *byte == b'\n')
        .next()
        .unwrap()
        .to_vec();
    let path = stage.file("grows.jsonl", line.repeat(2));
    let pty = stage.run(&["grows.jsonl", "--follow"]);
    pty.shows("following").shows("1/2");
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(&line).unwrap();
    drop(file);
    pty.shows("1/3").keys("G").shows("3/3");
}

/// Who starts a run looks at its output before there is any.
#[test]
fn what_is_followed_may_come_later() {
    use std::io::Write as _;
    let line = fs::read(sample("faults/no_newline.jsonl")).unwrap();
    let line = line
        .split_inclusive(|byte| *byte == b'\n')
        .next()
        .unwrap()
        .to_vec();
    for is_there in [false, true] {
        let stage = Stage::new();
        let path = stage.home().join("later.jsonl");
        if is_there {
            stage.file("later.jsonl", "");
        }
        let pty = stage.run(&["later.jsonl", "--follow"]);
        pty.shows("waiting for the first record");
        let add = |bytes: &[u8]| {
            let mut file = fs::OpenOptions::new();
            let file = file.append(true).create(true).open(&path);
            file.unwrap().write_all(bytes).unwrap();
        };
        add(&line);
        pty.shows("1/1");
        add(&line.repeat(2));
        pty.shows("1/3").keys("q");
        assert_eq!(pty.ends(), Ok(0));
    }
    let stage = Stage::new();
    let pty = stage.run(&["nowhere/later.jsonl", "--follow"]);
    assert_eq!(pty.ends(), Ok(2));
}

#[test]
fn what_cannot_work_is_said_before_the_screen() {
    for (stage, args, wanted) in [
        (Stage::new(), vec!["--theme", "mauve"], "mauve"),
        (Stage::new().env("TERM", "dumb"), vec![], "TERM=dumb"),
    ] {
        let story = story();
        let pty = stage.run(&[&[story.as_str()], args.as_slice()].concat());
        assert_eq!(pty.ends(), Ok(2), "{wanted}");
        pty.wait(wanted, |seen| seen.text().contains(wanted));
        pty.look(|seen| {
            assert!(seen.text().contains("hint: "), "{}", seen.text());
            assert!(memchr::memmem::find(&seen.bytes, b"\x1b[?1049h").is_none());
        });
    }
}

/// Everything that goes to the terminal is of our own making: no sequence of the data is among it.
#[test]
fn control_sequences_of_the_data_stay_there() {
    let stage = Stage::new();
    stage.file(".config/hgview/config.toml", "background = \"dark\"\n");
    let pty = stage.run(&[&sample("faults/control_sequences.jsonl")]);
    pty.shows("task  1/1");
    for place in ["step 0/2", "step 1/2", "step 2/2", "end  1/1"] {
        pty.keys("l").shows(place);
    }
    pty.keys("hv")
        .shows("bytes of")
        .keys("v/end of\r")
        .shows("1/")
        .keys("q")
        .shows("LIST");
    pty.keys("q");
    is_given_back(&pty);
    assert_eq!(pty.ends(), Ok(0));
    let bytes = pty.look(|seen| seen.bytes.clone());
    let ours =
        Regex::new(r"\x1b\[(?:[0-9;]*[mCHJKLMr]|\?(?:25|1000|1006|1049|2004|2026)[hl])").unwrap();
    let rest = ours.replace_all(&bytes, &b""[..]);
    let rest = String::from_utf8(rest.into_owned()).expect("text and nothing else");
    let letters: Vec<char> = rest.chars().collect();
    let wrong = letters
        .iter()
        .position(|letter| !crate::screens::is_drawable(*letter) && !"\r\n".contains(*letter));
    if let Some(at) = wrong {
        let letter = letters[at];
        let around: String = letters[at..].iter().take(40).collect();
        panic!("{letter:?} went to the terminal: {around:?}");
    }
    // `[31m` and the like may stand there as text, after a sign for the byte before them
    assert!(rest.contains("␛[2J"), "what was there is shown");
}

/// This test plays both sides: run again by itself on a terminal, it takes that over as the program does, and panics.
#[test]
fn a_panic_gives_the_terminal_back() {
    const NAME: &str = "terminal::a_panic_gives_the_terminal_back";
    match std::env::var("HGVIEW_TEST_PART").as_deref() {
        Ok("screen") => {
            let _screen = Screen::enter(true).unwrap();
            panic!("the screen fell over");
        }
        Ok("worker") => {
            let mut screen = Screen::enter(true).unwrap();
            let worker = std::thread::spawn(|| panic!("a worker fell over"));
            worker.join().unwrap_err();
            screen.write_raw(b"work goes on").unwrap();
            std::io::stdin().read_exact(&mut [0]).unwrap();
            return;
        }
        _ => {}
    }
    let find = |seen: &Seen, bytes: &str| memchr::memmem::find(&seen.bytes, bytes.as_bytes());
    let pty = Stage::new().test(NAME, "screen");
    pty.wait("the panic is reported", |seen| {
        seen.is_given_back() && seen.text().contains("the screen fell over")
    });
    pty.look(|seen| {
        let report = find(seen, "the screen fell over").unwrap();
        for (on, off) in [
            ("\x1b[?1049h", "\x1b[?1049l"),
            ("\x1b[?25l", "\x1b[?25h"),
            ("\x1b[?1000h", "\x1b[?1000l"),
            ("\x1b[?1006h", "\x1b[?1006l"),
            ("\x1b[?2004h", "\x1b[?2004l"),
        ] {
            let (on, off) = (find(seen, on).unwrap(), find(seen, off).unwrap());
            assert!(on < off && off < report, "{on} {off} {report}");
        }
    });
    assert_eq!(pty.ends(), Ok(101), "the test on stage failed");

    let pty = Stage::new().test(NAME, "worker");
    pty.shows("work goes on");
    pty.look(|seen| {
        assert!(find(seen, "\x1b[?1049l").is_none());
        assert!(find(seen, "a worker fell over").is_none());
    });
    pty.keys("q");
    is_given_back(&pty);
    assert_eq!(pty.ends(), Ok(0));
}

/// The records of the story, each several times under other names, so that there is enough to decide on.
fn many(count: usize) -> String {
    let story = fs::read_to_string(story()).unwrap();
    let rows: Vec<&str> = story.lines().collect();
    let row =
        |ix: usize| rows[ix % rows.len()].replace("harbor-kit.", &format!("harbor-kit.{ix}."));
    (0..count).map(|ix| row(ix) + "\n").collect()
}

/// What `ada` decided, as the journal beside the file has it.
fn decided(file: &std::path::Path) -> usize {
    let place = Place::of(
        &[file.to_path_buf()],
        None,
        std::path::Path::new("/nowhere"),
    )
    .unwrap();
    let ledger = Ledger::load(&place);
    assert!(ledger.troubles().is_empty(), "{:?}", ledger.troubles());
    ledger.decided("ada")
}

#[test]
fn what_the_screen_calls_saved_survives_kill_9() {
    let stage = Stage::new();
    let file = stage.file("run.jsonl", many(40));
    let path = file.to_str().unwrap().to_owned();
    let pty = stage.run(&["--reviewer", "ada", &path]);
    pty.shows("1/40");
    for count in 1..=12 {
        pty.keys("a");
        // both are there only when the last decision is on the disk
        let place = format!("saved  {}/40", count + 1);
        pty.shows(&place);
        assert!(decided(&file) >= count, "{count} were called saved");
    }
    pty.signal(pty.pid(), Signal::KILL);
    assert!(pty.ends().is_err());
    assert_eq!(decided(&file), 12);
    let again = Stage::new().run(&["--reviewer", "ada", &path]);
    again.shows("12 decided").keys("u").shows("11 decided");
    again.keys("q");
    is_given_back(&again);
    assert_eq!(again.ends(), Ok(0));
    assert_eq!(decided(&file), 11);
}

#[test]
fn decisions_that_cannot_be_saved_are_said_and_rescued() {
    let stage = Stage::new();
    let file = stage.file("run.jsonl", many(3));
    // a file where the folder should be
    let reviews = stage.file("reviews", "in the way");
    let args = [
        "--review-dir",
        reviews.to_str().unwrap(),
        "--reviewer",
        "ada",
    ];
    let pty = stage.run(&[&args[..], &[file.to_str().unwrap()]].concat());
    pty.shows("1/3");
    // earlier decisions may still be read when the list is there: the key counts all the same
    pty.keys("a").shows("NOT SAVED");
    pty.keys("q");
    is_given_back(&pty);
    pty.wait("where they are", |seen| {
        seen.text().contains("decisions.rescued.")
    });
    assert_eq!(pty.ends(), Ok(2));
    let folder = pty.stage().home().join(".local/state/hgview");
    let rescued = fs::read_dir(folder).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        path.to_str()?
            .contains("rescued")
            .then(|| fs::read_to_string(&path).unwrap())
    });
    let rescued: Vec<String> = rescued.collect();
    assert_eq!(rescued.len(), 1);
    assert!(
        rescued[0].contains("\"decision\":\"accept\""),
        "{}",
        rescued[0]
    );
}

#[test]
fn what_was_decided_right_before_the_end_is_on_the_disk() {
    for end in ["quit", "term"] {
        let stage = Stage::new();
        let file = stage.file("run.jsonl", many(40));
        let pty = stage.run(&["--reviewer", "ada", file.to_str().unwrap()]);
        pty.shows("1/40");
        if end == "quit" {
            pty.keys("aaaaaaaaaaq");
        } else {
            pty.keys("aaaaaaaaaa");
            pty.shows("11/40");
            pty.signal(pty.pid(), Signal::TERM);
        }
        is_given_back(&pty);
        drop(pty.ends());
        assert_eq!(decided(&file), 10, "{end}");
    }
}
