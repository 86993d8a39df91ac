//! The windowed tools on files of our own; the forms are those of recordings.

use std::time::Duration;

use super::*;
use crate::model::Observation;
use crate::sandbox::testing::folder::Folder;

#[track_caller]
fn says(tool: &mut SweAgent, folder: &mut Folder, typed: &str) -> String {
    let name = typed.split_whitespace().next().expect("a command");
    let action = Action::new(None, name, Value::String(typed.to_owned()));
    let call = Call {
        action: &action,
        step: 0,
        patience: Duration::from_secs(1),
    };
    let saved = tool.save(folder).expect("a state");
    tool.restore(&saved, folder).expect("the state");
    let reply = tool
        .run(&call, folder, &mut |_| (), &Cancel::default())
        .expect("a reply");
    reply.text
}

#[track_caller]
fn answers(tool: &mut SweAgent, folder: &mut Folder, typed: &str, expected: &str) {
    assert_eq!(says(tool, folder, typed), expected, "{typed}");
}

fn numbered(count: usize) -> String {
    let lines: Vec<String> = (1..=count).map(|line| format!("line {line}\n")).collect();
    lines.concat()
}

#[test]
fn windows_move_over_the_file() {
    let mut folder = Folder::new();
    folder.put("/w/a.py", numbered(30));
    let tool = &mut SweAgent::new(6, "/w");
    answers(
        tool,
        &mut folder,
        "goto 3",
        "No file open. Use the open command first.",
    );
    answers(
        tool,
        &mut folder,
        "open a.py 10",
        "[File: a.py (30 lines total)]\r\n(8 more lines above)\r\n9:line 9\r\n10:line 10\r\n11:line 11\r\n12:line 12\r\n13:line 13\r\n14:line 14\r\n(16 more lines below)",
    );
    answers(
        tool,
        &mut folder,
        "scroll_down",
        "[File: /w/a.py (30 lines total)]\r\n(14 more lines above)\r\n15:line 15\r\n16:line 16\r\n17:line 17\r\n18:line 18\r\n19:line 19\r\n20:line 20\r\n(10 more lines below)",
    );
    answers(
        tool,
        &mut folder,
        "goto 31",
        "Error: <line> must be less than or equal to 30",
    );
    answers(
        tool,
        &mut folder,
        "open nothing.py",
        "Error: File nothing.py not found",
    );
    answers(
        tool,
        &mut folder,
        "open .",
        "Error: . is a directory. You can only open files. Use cd or ls to navigate directories.",
    );
    assert!(says(tool, &mut folder, "goto 30").ends_with("30:line 30"));
}

#[test]
fn edits_change_lines_or_texts() {
    let mut folder = Folder::new();
    let tool = &mut SweAgent::new(100, "/w");
    std::fs::create_dir_all(folder.host("/w")).expect("a folder");
    answers(
        tool,
        &mut folder,
        "create b.py",
        "[File: b.py (1 lines total)]\r\n1:",
    );
    answers(
        tool,
        &mut folder,
        "insert 'one\ntwo'",
        "[File: /w/b.py (3 lines total)]\r\n1:\r\n2:one\r\n3:two",
    );
    let done = "Text replaced. Please review the changes and make sure they are correct:\r\n\r\n1. The edited file is correctly indented\r\n2. The edited file does not contain duplicate lines\r\n3. The edit does not break existing functionality\r\n\r\nEdit the file again if necessary.\r\n";
    answers(
        tool,
        &mut folder,
        "edit 'two' '2'",
        &format!("{done}[File: /w/b.py (3 lines total)]\r\n1:\r\n2:one\r\n3:2"),
    );
    assert!(
        says(tool, &mut folder, "edit 'x' 'y'")
            .starts_with("Your edit was not applied (file not modified): Text 'x' not found")
    );
    answers(
        tool,
        &mut folder,
        "edit 1:1\n# head\nend_of_edit",
        "File updated. Please review the changes and make sure they are correct\r\n(correct indentation, no duplicate lines, etc). Edit the file again if necessary.\r\n[File: /w/b.py (3 lines total)]\r\n1:# head\r\n2:one\r\n3:2",
    );
    assert_eq!(folder.text("/w/b.py").as_deref(), Some("# head\none\n2"));
}

#[test]
fn the_functions_of_the_shell_keep_the_middle() {
    let mut folder = Folder::new();
    folder.put("/w/a.py", numbered(372));
    let tool = &mut SweAgent::of_shell(100, "/w");
    let opened = says(tool, &mut folder, "open a.py 293");
    assert!(
        opened.starts_with("[File: /w/a.py (372 lines total)]\n(272 more lines above)\n273:"),
        "{opened:.80}"
    );
    let edited = says(
        tool,
        &mut folder,
        "edit 287:296\na\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nend_of_edit",
    );
    assert!(
        edited.starts_with("[File: /w/a.py (373 lines total)]\n(236 more lines above)\n237:"),
        "{edited:.80}"
    );
    assert!(edited.ends_with("File updated. Please review the changes and make sure they are correct (correct indentation, no duplicate lines, etc). Edit the file again if necessary.\n"));
}

#[test]
fn what_a_linter_refused_changes_nothing() {
    let mut folder = Folder::new();
    folder.put("/w/a.py", "x = 1\n");
    let tool = &mut SweAgent::new(100, "/w");
    says(tool, &mut folder, "open a.py");
    let mut action = Action::new(
        None,
        "edit",
        Value::String("edit 1:1\nx = (\nend_of_edit".to_owned()),
    );
    let refused = "Your proposed edit has introduced new syntax error(s). …\nYour changes have NOT been applied. …";
    action.observation = Some(Observation::text(refused));
    let call = Call {
        action: &action,
        step: 0,
        patience: Duration::from_secs(1),
    };
    let reply = tool
        .run(&call, &mut folder, &mut |_| (), &Cancel::default())
        .expect("a reply");
    assert_eq!(reply, Reply::nothing());
    assert_eq!(folder.text("/w/a.py").as_deref(), Some("x = 1\n"));
}

#[test]
fn searches_tell_files_and_lines() {
    let mut folder = Folder::new();
    folder.put("/w/a.py", "def f(x):\n    return f(1)\n");
    folder.put("/w/d/b.py", "f(x)\n");
    folder.put("/w/.git/c", "f(x)\n");
    folder.put("/w/z.bin", b"f(x)\0\n");
    let tool = &mut SweAgent::new(100, "/w");
    answers(
        tool,
        &mut folder,
        "find_file '*.py'",
        "Found 2 matches for \"*.py\" in /w:\r\n/w/a.py\r\n/w/d/b.py",
    );
    answers(
        tool,
        &mut folder,
        "find_file x.c d",
        "No matches found for \"x.c\" in /w/d",
    );
    answers(
        tool,
        &mut folder,
        "search_dir 'f('",
        "Found 3 matches for \"f(\" in /w:\r\n/w/a.py (2 matches)\r\n/w/d/b.py (1 matches)\r\nEnd of matches for \"f(\" in /w",
    );
    answers(
        tool,
        &mut folder,
        "search_file 'retu.*f' a.py",
        "Found 1 matches for \"retu.*f\" in /w/a.py:\r\nLine 2:    return f(1)\r\nEnd of matches for \"retu.*f\" in /w/a.py",
    );
    answers(
        tool,
        &mut folder,
        "search_dir x nowhere",
        "Directory nowhere not found",
    );
}
