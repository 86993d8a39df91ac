//! Results written, torn, mixed and read again.

use super::*;
use crate::model::Verdict;
use crate::replay::BaseKind;
use crate::replay::CallReplay;
use crate::replay::PatchReplay;
use crate::replay::Same;
use crate::replay::StepVerdict;
use crate::replay::Verified;
use crate::review::Place;
use crate::review::RecordRef;
use crate::sandbox::Holding;
use crate::shard::Shard;

fn result(id: &str, verdicts: &[StepVerdict]) -> RecordReplay {
    let calls = verdicts
        .iter()
        .enumerate()
        .map(|(step, verdict)| CallReplay {
            step,
            call: 0,
            tool: "bash".into(),
            verdict: *verdict,
            why: None,
            after_divergence: false,
            exit_code: None,
            observation: None,
        });
    RecordReplay {
        v: RecordReplay::VERSION,
        record: RecordRef {
            sha256: ContentHash::of(id.as_bytes()),
            id: id.into(),
            path: "runs.jsonl".into(),
            nth: 1,
        },
        base: BaseKind::Empty,
        notes: Vec::new(),
        calls: calls.collect(),
        first_divergence: verdicts.iter().position(|verdict| verdict.diverges()),
        patch: None,
        verified: Vec::new(),
        error: None,
    }
}

/// Both lines of a result whose run began in this second.
fn lines(result: &RecordReplay, second: i64) -> (String, String) {
    let proof = |bound, holding| Proof {
        bound,
        holding,
        why: String::new(),
    };
    let origin = Origin {
        options: hash("options"),
        at: Moment::from_micros(second * 1_000_000).unwrap(),
        took_s: 0.5,
        tier: Some(Tier::Namespace),
        proofs: vec![
            proof(Bound::Memory, Holding::NotEnforced),
            proof(Bound::Network, Holding::Enforced),
        ],
    };
    lines_of(result, &origin).unwrap()
}

#[test]
fn how_it_came_to_be_lies_beside_a_line() {
    let result = result("one", &[StepVerdict::Match]);
    let (line, beside) = lines(&result, 7);
    let run: Run = serde_json::from_str(&beside).unwrap();
    assert_eq!(run.record, hash("one"));
    assert_eq!(run.line, ContentHash::of(line.as_bytes()));
    assert_eq!(run.unproved, [Bound::Memory]);
    assert_eq!(run.tier, Some(Tier::Namespace));
}

fn hash(id: &str) -> ContentHash {
    ContentHash::of(id.as_bytes())
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("runs.jsonl");
    std::fs::write(&data, "x").unwrap();
    let place = Place::of(&[data], None, &folder.path().join("data")).unwrap();
    let one = result("one", &[StepVerdict::Match, StepVerdict::NoOp]);
    let two = result("two", &[StepVerdict::Match, StepVerdict::Drift]);
    for result in [&one, &two] {
        let mut writer = Writer::open(&place, "results").unwrap();
        let (line, run) = lines(result, 1);
        writer.append(&line, &run).unwrap();
        writer.sync().unwrap();
    }
    let results = Results::load(place.reads());
    assert_eq!(results.len(), 2);
    assert_eq!(results.passed(), []);
    assert_eq!(results.whole(hash("one")).unwrap(), Some(one));
    assert_eq!(results.whole(hash("two")).unwrap(), Some(two));
    assert_eq!(results.whole(hash("three")).unwrap(), None);
    assert!(results.is_done(hash("one"), hash("options")));
    assert!(!results.is_done(hash("one"), hash("others")));
    assert!(!results.is_done(hash("three"), hash("options")));
    let brief = results.brief(hash("two")).unwrap();
    assert_eq!(brief.matched, Some(0.5));
    assert_eq!(brief.word(), "@1");
    assert_eq!(results.brief(hash("one")).unwrap().word(), "reproduced");
}

#[test]
fn the_last_run_counts_whatever_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let old = result("one", &[StepVerdict::Drift]);
    let new = result("one", &[StepVerdict::Match]);
    let unknown = result("one", &[StepVerdict::Timeout]);
    let [(old, ran_old), (new, ran_new), (unknown, _)] =
        [(&old, 5), (&new, 9), (&unknown, 0)].map(|(result, second)| lines(result, second));
    let lines = [old, new, unknown];
    let runs = format!("{ran_new}\n{ran_old}\n");
    for (nth, order) in [[0, 1, 2], [2, 1, 0], [1, 0, 2]].into_iter().enumerate() {
        let path = folder.path().join(format!("{nth}.jsonl"));
        let text = order
            .iter()
            .fold(String::new(), |text, ix| text + &lines[*ix] + "\n");
        std::fs::write(&path, text).unwrap();
        std::fs::write(runs_file(&path), &runs).unwrap();
        let results = Results::of_files(vec![path]);
        assert!(
            results.brief(hash("one")).unwrap().is_reproduced,
            "{order:?}"
        );
    }
    // nobody says when: the last line
    let path = folder.path().join("alone.jsonl");
    std::fs::write(&path, format!("{}\n{}\n", lines[1], lines[0])).unwrap();
    let results = Results::of_files(vec![path]);
    assert!(!results.brief(hash("one")).unwrap().is_reproduced);
}

#[test]
fn what_is_no_result_is_told_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let (line, _) = lines(&result("one", &[StepVerdict::Match]), 1);
    let torn = line.get(..40).unwrap();
    std::fs::write(
        &path,
        format!("{{\"v\":99}}\n\nx\n{line}\n\u{0}\n{{}}\n{torn}"),
    )
    .unwrap();
    let results = Results::of_files(vec![path.clone(), folder.path().join("gone.jsonl")]);
    assert_eq!(results.len(), 1);
    let told: Vec<String> = results.passed().iter().map(ToString::to_string).collect();
    assert_eq!(results.passed_count(), 6);
    let name = path.display().to_string();
    assert_eq!(
        told[0],
        format!("{name}:1: a result of version 99, for a later hgview")
    );
    assert!(told[1].starts_with(&format!("{name}:3: no result: ")));
    assert_eq!(told[4], format!("{name}:7: the last line is torn"));
    assert!(told[5].contains("gone.jsonl: cannot be read"));
}

#[test]
fn behind_a_torn_line_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let one = result("one", &[StepVerdict::Match]);
    let (line, run) = lines(&one, 1);
    std::fs::write(&path, line.get(..40).unwrap()).unwrap();
    let mut writer = Writer::open_pair(&path, &runs_file(&path)).unwrap();
    writer.append(&line, &run).unwrap();
    let results = Results::of_files(vec![path]);
    assert_eq!(results.len(), 1);
    assert_eq!(results.passed_count(), 1);
}

#[test]
fn results_are_in_the_files_that_end_so() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "b.jsonl",
        "a.jsonl",
        "a.runs.jsonl",
        "c.txt",
        "d.jsonl.part",
    ] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let files = files_in(folder.path());
    let names: Vec<_> = files.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(names, ["a.jsonl", "b.jsonl"]);
}

#[test]
fn a_result_in_brief() {
    let mut told = result("one", &[StepVerdict::NoOp]);
    assert_eq!(Brief::of(&told).matched, None);
    let check = |verdict, accepted, runs| Verified {
        by: "strict".to_owned(),
        verdict,
        why: String::new(),
        accepted,
        runs,
    };
    told.verified = vec![check(Verdict::Accept, 1, 1)];
    assert_eq!(Brief::of(&told).verified, Some(Verdict::Accept));
    told.verified.push(check(Verdict::Reject, 1, 3));
    let brief = Brief::of(&told);
    assert_eq!(
        (brief.verified, brief.is_flaky),
        (Some(Verdict::Reject), true)
    );
    told.patch = Some(PatchReplay {
        patch: "".into(),
        text: Some(Same::Differs),
        files: Vec::new(),
    });
    assert_eq!(Brief::of(&told).patch, Some(Same::Differs));
    if let Some(patch) = &mut told.patch {
        patch.files.push(crate::replay::FileReplay {
            path: "a".to_owned(),
            same: Some(true),
        });
    }
    assert_eq!(Brief::of(&told).patch, Some(Same::Normalised));
    told.error = Some("stopped".to_owned());
    assert_eq!(Brief::of(&told).word(), "error");
    assert!(!Brief::of(&told).is_reproduced);
}

/// Writes the shares of some records.
fn share(folder: &Path, ids: &[&str], of: u64) {
    for nth in 0..of {
        let shard = Shard { nth, of };
        let mut writer = ShardWriter::open(folder, shard, hash("options")).unwrap();
        for id in ids.iter().filter(|id| shard.takes(id)) {
            let result = result(id, &[StepVerdict::Match]);
            let (line, run) = lines(&result, 1);
            if !writer.is_done(result.record.sha256) {
                writer.append(result.record.sha256, &line, &run).unwrap();
            }
        }
        writer.complete().unwrap();
    }
}

fn merged(folder: &Path, allow_partial: bool) -> Result<(String, Merge), String> {
    let mut out = Vec::new();
    let found = merge(folder, allow_partial, &mut out).map_err(|error| error.to_string())?;
    Ok((String::from_utf8(out).unwrap(), found))
}

#[test]
fn merged_shares_are_the_same_however_many() {
    let ids: Vec<String> = (0..50)
        .map(|nth| format!("task-{}", nth * 7 % 50))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let folders = [1, 3, 16].map(|of| {
        let folder = tempfile::tempdir().unwrap();
        share(folder.path(), &ids, of);
        folder
    });
    let texts = folders
        .each_ref()
        .map(|folder| merged(folder.path(), false).unwrap().0);
    assert_eq!(texts[0].lines().count(), 50);
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
    share(folders[2].path(), &ids, 16);
    assert_eq!(
        merged(folders[2].path(), false).unwrap().0,
        texts[0],
        "twice is once"
    );
}

#[test]
fn a_share_goes_on_behind_its_complete_lines() {
    let folder = tempfile::tempdir().unwrap();
    let ids = ["a", "b", "c"];
    share(folder.path(), &ids, 1);
    let (all, _) = merged(folder.path(), false).unwrap();
    let shard = Shard { nth: 0, of: 1 };
    let whole = folder.path().join(shard.file_name(SHARES));
    let part = folder
        .path()
        .join(format!("{}.part", shard.file_name(SHARES)));
    let text = std::fs::read_to_string(&whole).unwrap();
    std::fs::remove_file(&whole).unwrap();
    std::fs::write(&part, text.get(..text.len() - 20).unwrap()).unwrap();
    assert_eq!(
        merged(folder.path(), false).unwrap_err(),
        "1 of 1 shares are missing: 0"
    );
    let writer = ShardWriter::open(folder.path(), shard, hash("options")).unwrap();
    let done = ids.map(|id| writer.is_done(hash(id)));
    assert_eq!(done, [true, true, false]);
    drop(writer);
    share(folder.path(), &ids, 1);
    assert_eq!(merged(folder.path(), false).unwrap().0, all);
    let other = ShardWriter::open(folder.path(), shard, hash("others")).unwrap_err();
    assert!(other.to_string().contains("other options"));
}

#[test]
fn what_is_not_merged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(merged(path, false).unwrap_err().contains("holds no shares"));
    share(path, &["a", "b", "c", "d"], 3);
    std::fs::remove_file(path.join("results-00001-of-00003.jsonl")).unwrap();
    assert_eq!(
        merged(path, false).unwrap_err(),
        "1 of 3 shares are missing: 1"
    );
    let (text, found) = merged(path, true).unwrap();
    assert_eq!(
        (found.found.missing, text.lines().count()),
        (vec![1], found.lines)
    );
    let twice = std::fs::read(path.join("results-00002-of-00003.jsonl")).unwrap();
    let with = std::fs::read(path.join("results-00000-of-00003.jsonl")).unwrap();
    std::fs::write(
        path.join("results-00001-of-00003.jsonl"),
        [twice, with].concat(),
    )
    .unwrap();
    assert!(
        merged(path, false)
            .unwrap_err()
            .contains("the same record as in")
    );
    std::fs::write(path.join("results-00001-of-00003.jsonl"), "x\n").unwrap();
    assert!(
        merged(path, false)
            .unwrap_err()
            .contains("results-00001-of-00003.jsonl:1: no result")
    );
    std::fs::write(path.join("results-00000-of-00002.jsonl.part"), "").unwrap();
    assert!(
        merged(path, true)
            .unwrap_err()
            .contains("shares of 2 and of 3 lie together")
    );
}

/// The screen and the command line, or two command lines: nobody waits, nothing is torn, and the last one counts.
#[test]
fn several_programs_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let long = "x".repeat(100_000);
    std::thread::scope(|scope| {
        for program in 0..4 {
            let (path, long) = (&path, &long);
            scope.spawn(move || {
                for nth in 0..20 {
                    let mut result = result("one", &[StepVerdict::Drift]);
                    result.notes = vec![long.clone()];
                    // the run that begins last is neither the first program's nor the last line
                    let second = if (program, nth) == (2, 7) {
                        result = self::result("one", &[StepVerdict::Match]);
                        1000
                    } else {
                        program * 20 + nth
                    };
                    let mut writer = Writer::open_pair(path, &runs_file(path)).unwrap();
                    let (line, run) = lines(&result, second);
                    writer.append(&line, &run).unwrap();
                }
            });
        }
    });
    let results = Results::of_files(vec![path]);
    assert_eq!((results.len(), results.passed_count()), (1, 0));
    assert!(results.brief(hash("one")).unwrap().is_reproduced);
}

#[test]
fn a_share_that_cannot_be_written_is_named_as_people_know_it() {
    let shard = Shard { nth: 0, of: 2 };
    let told = ShardWriter::open(Path::new("/proc/none"), shard, hash("options")).unwrap_err();
    let told = told.to_string();
    assert!(
        told.contains("the folder /proc/none cannot be made"),
        "{told}"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("results-00000-of-00002.jsonl.part")).unwrap();
    let told = ShardWriter::open(folder.path(), shard, hash("options")).unwrap_err();
    assert!(!told.to_string().contains(".part"), "{told}");
}
