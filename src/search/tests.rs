use std::path::Path;

use super::*;
use crate::store::OpenOptions;

fn record(id: usize, text: &str) -> String {
    let call = r#"{"id":"c","type":"function","function":{"name":"bash","arguments":"{\"command\": \"ls COMMAND\"}"}}"#;
    let text = serde_json::to_string(text).unwrap();
    format!(
        r#"{{"instance_id":"task-{id}","messages":[{{"role":"user","content":"go"}},{{"role":"assistant","content":{text},"tool_calls":[{}]}},{{"role":"tool","tool_call_id":"c","content":"it shows RESULT"}}]}}"#,
        call.replace("COMMAND", &format!("folder-{id}"))
    )
}

fn open(path: &Path) -> Store {
    let store = Store::open(&OpenOptions {
        paths: vec![path.to_path_buf()],
        ..OpenOptions::default()
    });
    let store = store.unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

fn answers(store: &Store, pattern: &Pattern, records: &Records) -> Vec<Answer> {
    let mut answers = Vec::new();
    run(store, pattern, records, &Cancel::new(), &mut |told| {
        if let Told::Answer(answer) = told {
            answers.push(answer);
        }
        true
    });
    answers
}

/// As [`answers`], of a file that is scanned at the same time.
fn answers_scanning(path: &Path, pattern: &Pattern) -> Vec<Answer> {
    let store = Store::open(&OpenOptions {
        paths: vec![path.to_path_buf()],
        ..OpenOptions::default()
    });
    let mut answers = Vec::new();
    run_scanning(&store.unwrap(), pattern, &Cancel::new(), &mut |told| {
        if let Told::Answer(answer) = told {
            answers.push(answer);
        }
        true
    })
    .unwrap();
    answers
}

fn hits_of(answers: Vec<Answer>) -> Vec<(usize, Vec<Hit>)> {
    let hits = |answer: Answer| (answer.record.0, answer.found.unwrap().1);
    answers.into_iter().map(hits).collect()
}

fn found(store: &Store, pattern: &str, places: &[Place]) -> Vec<(usize, Option<usize>, Place)> {
    let pattern = Pattern::new(pattern, false, Case::Smart, places).unwrap();
    let mut found = Vec::new();
    for answer in answers(store, &pattern, &Records::All) {
        let (_, hits) = answer.found.unwrap();
        assert!(!hits.is_empty());
        for hit in hits {
            found.push((answer.record.0, hit.step, hit.place));
        }
    }
    found
}

/// What a search finds when every record is parsed.
fn truth(store: &Store, pattern: &Pattern) -> Vec<(usize, Vec<Hit>)> {
    let load = |ix| {
        let trajectory = store.load_once(RecordIx(ix)).unwrap();
        (ix, pattern.hits(&trajectory, &Cancel::new()))
    };
    let all = (0..store.len()).map(load);
    all.filter(|(_, hits)| !hits.is_empty()).collect()
}

#[test]
fn steps_are_found_in_order_and_by_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let rows: Vec<String> = (0..300)
        .map(|id| record(id, &format!("thought {id} \"quoted\" näive\nsecond line")))
        .collect();
    std::fs::write(&path, rows.join("\n") + "\n\n").unwrap();
    let store = open(&path);
    assert_eq!(
        found(&store, "thought 7 ", &[]),
        [(7, Some(1), Place::Thoughts)]
    );
    assert_eq!(
        found(&store, "folder-29[0-9]$", &[]).len(),
        10,
        "a regular expression"
    );
    assert_eq!(
        found(&store, "folder-12\\b", &[Place::Actions]),
        [(12, Some(1), Place::Actions)]
    );
    assert_eq!(found(&store, "folder-12\\b", &[Place::Observations]), []);
    assert_eq!(found(&store, "result", &[Place::Observations]).len(), 300);
    assert_eq!(found(&store, "Result", &[]), [], "upper case matters");
    assert_eq!(found(&store, "\"quoted\" näive$", &[]).len(), 300);
    assert_eq!(found(&store, "^second", &[]).len(), 300);
    let order: Vec<usize> = found(&store, "thought", &[]).iter().map(|f| f.0).collect();
    assert_eq!(order, (0..300).collect::<Vec<_>>());
}

#[test]
fn chosen_records_come_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let rows: Vec<String> = (0..40).map(|id| record(id, "word here")).collect();
    std::fs::write(&path, rows.join("\n")).unwrap();
    let store = open(&path);
    let pattern = Pattern::new("word", false, Case::Smart, &[]).unwrap();
    let wanted = Records::These(Arc::new(vec![9, 3, 4, 5, 30, 2]));
    let got: Vec<usize> = answers(&store, &pattern, &wanted)
        .iter()
        .map(|answer| answer.record.0)
        .collect();
    assert_eq!(got, [9, 3, 4, 5, 30, 2]);
}

#[test]
fn a_look_at_bytes_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let texts = [
        "plain needle",
        "NEEDLE",
        "a/b/needle",
        "nee\ndle",
        "needle\u{17f}",
        "needl\u{e9}",
        "\u{1b}[31mneedle",
        "<needle> & 'needle'",
        "no",
    ];
    let mut rows = String::new();
    for (id, text) in texts.iter().enumerate() {
        rows += &record(id, text);
        rows.push('\n');
        let escaped: String = record(id + 100, text)
            .chars()
            .map(|c| match c {
                'n' => "\\u006e".to_owned(),
                '/' => "\\/".to_owned(),
                c if !c.is_ascii() => format!("\\u{:04x}", u32::from(c)),
                c => c.to_string(),
            })
            .collect();
        // names of fields stay what they are
        let escaped = escaped
            .replace("i\\u006esta\\u006ece_id", "instance_id")
            .replace("co\\u006ete\\u006et", "content")
            .replace("fu\\u006ectio\\u006e", "function")
            .replace("\\u006eame", "name")
            .replace("argume\\u006ets", "arguments")
            .replace("assista\\u006et", "assistant")
            .replace("\\\\u006e", "\\n");
        rows += &escaped;
        rows.push('\n');
    }
    std::fs::write(&path, rows).unwrap();
    let store = open(&path);
    for source in [
        "needle",
        "NEEDLE",
        "needles",
        "a/b/n",
        "needl[eé]",
        "nee.dle|plain needle",
        "<needle>",
        "31mneedle",
        "",
        "n",
    ] {
        for case in [Case::Smart, Case::Sensitive, Case::Insensitive] {
            let pattern = Pattern::new(source, false, case, &[]).unwrap();
            let got = hits_of(answers(&store, &pattern, &Records::All));
            let want = truth(&store, &pattern);
            assert_eq!(got, want, "{source:?} {case:?}");
            let got = hits_of(answers_scanning(&path, &pattern));
            assert_eq!(got, want, "{source:?} {case:?} while it is scanned");
        }
    }
}

#[test]
fn a_look_at_the_bytes_of_all_samples_misses_nothing() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let store = open(&samples);
    let read = |ix| Some((ix, store.load_once(RecordIx(ix)).ok()?));
    let all: Vec<_> = (0..store.len()).filter_map(read).collect();
    assert!(all.len() > 50, "the samples were read");
    for source in [
        "bash",
        "null",
        "command",
        "code",
        "true",
        "harbor",
        "moor",
        "tides",
        "def ",
        "import",
        "pytest",
        "str_replace",
        "view",
        "think",
        "finish",
        "diff --git",
        "return",
        "error",
        "Traceback",
        "exit",
        "path",
        "file_text",
        "1.5",
        "42",
        "1e5",
        "tool",
        "name",
        "submit",
        "python",
        "grep",
        "class",
        "test",
        "cd ",
        "git",
        "a, b",
        "x: 1",
        "0, 1",
        "[A-Z]{4}",
    ] {
        let pattern = Pattern::new(source, false, Case::Insensitive, &[]).unwrap();
        let hits = |(ix, one): &(usize, Arc<Trajectory>)| {
            let hits = pattern.hits(one, &Cancel::new());
            (!hits.is_empty()).then_some((*ix, hits))
        };
        let want: Vec<(usize, Vec<Hit>)> = all.iter().filter_map(hits).collect();
        let got: Vec<(usize, Vec<Hit>)> = answers(&store, &pattern, &Records::All)
            .into_iter()
            .filter_map(|answer| Some((answer.record.0, answer.found.ok()?.1)))
            .collect();
        assert_eq!(got.len(), want.len(), "{source}");
        assert_eq!(got, want, "{source}");
    }
}

/// Rows with something at every border of 128 kB, where the scan may have cut the file; says in which rows a needle is.
fn rows_over_borders() -> (String, Vec<usize>) {
    const BORDER: usize = 128 << 10;
    let (mut rows, mut with_needle, mut id) = (String::new(), Vec::new(), 0);
    let odd = "n\\u0065edle";
    for border in (1..40).map(|nth| nth * BORDER) {
        let (text, back) = match (border / BORDER) % 5 {
            0 => ("needle", 3),
            1 => (odd, 4),
            2 => ("needle", 0),
            3 => (odd, 11),
            // the record ends here, its line end is behind the border
            _ => ("no", usize::MAX),
        };
        let row = record(id, "FILL");
        let (before, behind) = row.split_once("FILL").unwrap();
        let back = if back == usize::MAX {
            text.len() + behind.len() + 1
        } else {
            back
        };
        let fill = border - back - rows.len() - before.len();
        let fill = "f".repeat(fill);
        rows.extend([before, &fill, text, behind, "\r\n"]);
        if text != "no" {
            with_needle.push(id);
        }
        rows += &(record(id + 1, "none") + "\n\n");
        id += 2;
    }
    (rows, with_needle)
}

#[test]
fn what_lies_over_a_border_is_found_while_it_is_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let (rows, want) = rows_over_borders();
    for text in [rows.clone(), format!("\u{feff}{rows}")] {
        std::fs::write(&path, text).unwrap();
        for (source, case) in [("needle", Case::Sensitive), ("NEEDLE", Case::Insensitive)] {
            let pattern = Pattern::new(source, false, case, &[]).unwrap();
            let told = |answers: Vec<Answer>| -> Vec<usize> {
                hits_of(answers).into_iter().map(|(ix, _)| ix).collect()
            };
            assert_eq!(told(answers_scanning(&path, &pattern)), want, "{source}");
            assert_eq!(told(answers(&open(&path), &pattern, &Records::All)), want);
        }
    }
}

#[test]
fn patches_of_side_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, record(1, "a") + "\n" + &record(2, "b")).unwrap();
    let side = folder.path().join("preds.json");
    let prediction = r#"[{"instance_id": "task-2", "model_name_or_path": "m", "model_patch": "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-zebraline\n+other\n"}]"#;
    std::fs::write(&side, prediction).unwrap();
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        with: vec![side],
        ..OpenOptions::default()
    });
    let store = store.unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(found(&store, "zebraline", &[]), [(1, None, Place::Patches)]);
    assert_eq!(found(&store, "zebraline", &[Place::Actions]), []);
}

#[test]
fn a_search_that_stops_ends_its_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let rows: Vec<String> = (0..500).map(|id| record(id, "word")).collect();
    std::fs::write(&path, rows.join("\n")).unwrap();
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        ..OpenOptions::default()
    });
    let pattern = Pattern::new("word", false, Case::Smart, &[]).unwrap();
    let mut told = 0;
    run_scanning(&store.unwrap(), &pattern, &Cancel::new(), &mut |_| {
        told += 1;
        told < 3
    })
    .unwrap();
    assert_eq!(told, 3);
}

#[test]
fn a_search_stops_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let rows: Vec<String> = (0..500).map(|id| record(id, "word")).collect();
    std::fs::write(&path, rows.join("\n")).unwrap();
    let store = open(&path);
    let pattern = Pattern::new("word", false, Case::Smart, &[]).unwrap();
    let mut told = 0;
    run(&store, &pattern, &Records::All, &Cancel::new(), &mut |_| {
        told += 1;
        told < 3
    });
    assert_eq!(told, 3);
    let cancel = Cancel::new();
    cancel.cancel();
    run(&store, &pattern, &Records::All, &cancel, &mut |_| {
        panic!("nothing is told")
    });
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(
        &path,
        record(0, "word") + "\n{\"word\": [\n" + &record(2, "word"),
    )
    .unwrap();
    let store = open(&path);
    let pattern = Pattern::new("word", false, Case::Smart, &[]).unwrap();
    let answers = answers(&store, &pattern, &Records::All);
    let is_read: Vec<bool> = answers.iter().map(|answer| answer.found.is_ok()).collect();
    assert_eq!(is_read, [true, false, true]);
}

#[test]
fn excerpts_are_lines_cut_around_the_match() {
    #[track_caller]
    fn check(text: &str, hit: Range<usize>, want: &str, matched: &str) {
        let (line, within) = excerpt(text, hit);
        assert_eq!(line, want);
        assert_eq!(line.get(within), Some(matched));
    }
    check("one\n   two three\nfour", 7..10, "two three", "two");
    check("one", 3..3, "one", "");
    check("a\nb", 0..3, "a", "a");
    check("one two\r\nthree\r\n", 4..7, "one two", "two");
    check("one\r\ntwo", 3..5, "one", "");
    check("10 %\r20 %\rdone\n", 5..7, "10 %\r20 %\rdone", "20");
    let long = format!("{}word{}", "x".repeat(500), "y".repeat(500));
    check(
        &long,
        500..504,
        &format!("…{}word{}…", "x".repeat(80), "y".repeat(236)),
        "word",
    );
    let wide = format!("{}word", "日".repeat(100));
    let (line, within) = excerpt(&wide, 300..304);
    assert_eq!(line.get(within), Some("word"));
}

#[test]
fn letters_of_escapes_are_no_upper_case() {
    for (text, want) in [
        (r"\S+ \W", false),
        (r"\p{Lu}x", false),
        (r"\PLx", false),
        (r"\pLBar", true),
        (r"(?P<Name>bar)", false),
        (r"(?<Name>bar)|[A-C]", true),
        (r"\x41", false),
        ("aB", true),
        (r"\.B", true),
    ] {
        assert_eq!(has_upper_case(text, false), want, "{text}");
    }
    assert!(has_upper_case(r"\S", true), "as it stands");
}

#[test]
fn a_pattern_that_is_none_says_where() {
    let error = Pattern::new("a(b", false, Case::Smart, &[]).unwrap_err();
    assert!(error.to_string().contains("a(b"), "{error}");
    assert!(Pattern::new("a(b", true, Case::Smart, &[]).is_ok());
}

#[test]
fn what_lies_between_the_records_that_are_searched_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.jsonl");
    let filler = "lorem ipsum ".repeat(250);
    let row = |id: usize| {
        let word = if id % 6 < 2 { "needle" } else { "thread" };
        record(id, &format!("{filler}{word}"))
    };
    let rows: Vec<String> = (0..60).map(row).collect();
    std::fs::write(&path, rows.join("\n")).unwrap();
    let store = open(&path);
    let count = |records: &[usize]| store.stretches(records, STRETCH_BYTES, 99).0.len();
    assert_eq!(count(&[0, 1, 2, 3]), 1);
    assert_eq!(count(&[0, 4, 8]), 1, "little lies between");
    assert_eq!(count(&[0, 30, 31, 59]), 3);
    let pattern = Pattern::new("needle", false, Case::Smart, &[]).unwrap();
    let found_in = |records: Vec<u32>| -> Vec<usize> {
        let records = Records::These(Arc::new(records));
        let answers = answers(&store, &pattern, &records);
        answers.iter().map(|answer| answer.record.0).collect()
    };
    for step in [1, 2, 3, 5, 7, 30] {
        let asked: Vec<u32> = (0..60).step_by(step).collect();
        let wanted = asked.iter().map(|ix| *ix as usize);
        let want: Vec<usize> = wanted.filter(|ix| ix % 6 < 2).collect();
        assert_eq!(found_in(asked), want, "each {step}th");
    }
}
