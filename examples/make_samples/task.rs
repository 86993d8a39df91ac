//! The tasks of the story: one of each Hybrid-Gym type, and an issue in the form of SWE-bench.
//!
//! Line numbers in instances count from 0 and are looked up in the files, as `specs` of the tasks ask.

use serde_json::Value;
use serde_json::json;

use super::story::BASE_COMMIT;
use super::story::REPO;
use super::story::ROOT;
use super::story::Repo;

/// A task with its instance row, its prompt and the files it starts from.
#[derive(Clone)]
pub(crate) struct Task {
    /// `instance_id`.
    pub(crate) id: &'static str,
    /// The row of the task file.
    pub(crate) instance: Value,
    /// What the agent is told.
    pub(crate) prompt: String,
    /// The files at the start.
    pub(crate) base: Repo,
}

fn prompt(what: &str) -> String {
    format!(
        "<uploaded_files>\n{ROOT}\n</uploaded_files>\nI've uploaded a Python repository in {ROOT}.\n\n{what}\n\n\
         Work in that folder, change nothing else, and finish when you are done.\n"
    )
}

/// Find a function by what it does and document it.
pub(crate) fn func_localize() -> Task {
    let base = Repo::base();
    let path = "harbor_kit/tides.py";
    let start = base.line_ix(path, "def interpolate");
    let end = base.line_ix(path, "return a.height_cm + share");
    let description = "Works out the height of the water between two readings, on the straight line between them, \
                       and refuses minutes that lie before the first or after the last reading.";
    Task {
        id: "tidepool__harbor-kit.func_localize.1",
        instance: json!({
            "instance_id": "tidepool__harbor-kit.func_localize.1",
            "repo": REPO,
            "base_commit": BASE_COMMIT,
            "module_name": "interpolate",
            "module_type": "function",
            "file_path": path,
            "function_description": description,
            "module_line_start": start,
            "module_line_end": end,
            "docstring_line_start": -1,
            "docstring_line_end": -1,
        }),
        prompt: prompt(&format!(
            "Somewhere in it is a function that does this:\n\n> {description}\n\nFind it and write its docstring. \
             Change no code."
        )),
        base,
    }
}

/// Mark what a function calls.
pub(crate) fn dep_search() -> Task {
    let base = Repo::base();
    let dependency = |name: &str, path: &str, last: &str| {
        json!({
            "name": name,
            "file_path": path,
            "line_start": base.line_ix(path, &format!("def {name}")),
            "line_end": base.line_ix(path, last),
            "type": "function",
        })
    };
    let dependencies = json!([
        dependency(
            "interpolate",
            "harbor_kit/tides.py",
            "return a.height_cm + share"
        ),
        dependency(
            "total_tonnage",
            "harbor_kit/manifest.py",
            "return tonnes + sum"
        ),
    ]);
    let path = "harbor_kit/berths.py";
    Task {
        id: "tidepool__harbor-kit.dep_search.1",
        instance: json!({
            "instance_id": "tidepool__harbor-kit.dep_search.1",
            "repo": REPO,
            "base_commit": BASE_COMMIT,
            "target_function_name": "fits",
            "target_function_file": path,
            "target_function_line_start": base.line_ix(path, "def fits"),
            "target_function_line_end": base.line_ix(path, "return ship[\"draught_cm\"]"),
            "dependencies": dependencies,
            "num_dependencies": 2,
        }),
        prompt: prompt(
            "Look at the method `fits` in harbor_kit/berths.py. Above the definition of every function or class of this \
             repository that it calls directly, add the comment\n\n    # this function/class is called by the fits function",
        ),
        base,
    }
}

/// Mark the places that an issue concerns.
pub(crate) fn issue_localize() -> Task {
    let base = Repo::base();
    let mut fixed = base.clone();
    let path = "harbor_kit/tides.py";
    let text = base.text(path).replace(
        "before.height_cm < here.height_cm > after.height_cm",
        "before.height_cm < here.height_cm >= after.height_cm",
    );
    fixed.write(path, text);
    let statement = "next_high_water overlooks a flat crest\n\nWith readings 90, 210, 210, 80 it returns None. A crest \
                     may last for two readings; the first of them is high water.";
    Task {
        id: "tidepool__harbor-kit.issue_localize.17",
        instance: json!({
            "instance_id": "tidepool__harbor-kit.issue_localize.17",
            "repo": REPO,
            "base_commit": BASE_COMMIT,
            "problem_statement": statement,
            "patch": fixed.diff_from(&base),
        }),
        prompt: prompt(&format!(
            "This issue was reported:\n\n<issue>\n{statement}\n</issue>\n\nAdd a comment at every place that would have \
             to change. Change no code."
        )),
        base,
    }
}

/// Write a function whose body is gone.
pub(crate) fn func_gen() -> Task {
    let path = "harbor_kit/tides.py";
    let whole = Repo::base();
    let text = whole.text(path);
    let head = "    best = None\n";
    let (before, body) = text.split_once(head).expect("slack_window begins so");
    let body = format!("{head}{body}");
    let mut base = whole.clone();
    base.write(path, format!("{before}    pass  # TODO: implement\n"));
    let function = format!("def slack_window(readings, tolerance_cm):\n{body}");
    let eval_script = format!(
        "from collections import namedtuple\n\nReading = namedtuple(\"Reading\", \"minute height_cm\")\n\n\n{function}\n\n\
         readings = [Reading(m, h) for m, h in [(0, 90), (30, 200), (60, 204), (90, 201), (120, 80)]]\n\
         assert slack_window_new_implementation(readings, 5) == slack_window(readings, 5) == (30, 90)\n\
         assert slack_window_new_implementation([], 5) is None\n"
    );
    Task {
        id: "tidepool__harbor-kit.func_gen.1",
        instance: json!({
            "instance_id": "tidepool__harbor-kit.func_gen.1",
            "repo": REPO,
            "base_commit": BASE_COMMIT,
            "file_path": path,
            "func_name": "slack_window",
            "func_signature": "def slack_window(readings, tolerance_cm):",
            "func_body": body,
            "eval_script": eval_script,
        }),
        prompt: prompt(
            "The body of `slack_window` in harbor_kit/tides.py was taken out. Write it again from its signature and \
             docstring.",
        ),
        base,
    }
}

/// An issue to be fixed, with tests.
pub(crate) fn issue() -> Task {
    let base = Repo::base();
    let path = "harbor_kit/manifest.py";
    let mut fixed = base.clone();
    fixed.write(path, base.text(path).replace(TWICE, ONCE));
    let statement = "total_tonnage counts ballast twice\n\nA hold with 40 t of grain and 10 t of ballast water is \
                     reported as 60 t, so ships are sent away that the quay would bear. The docstring promises that \
                     ballast is counted once.";
    Task {
        id: "tidepool__harbor-kit-41",
        instance: json!({
            "instance_id": "tidepool__harbor-kit-41",
            "repo": REPO,
            "base_commit": BASE_COMMIT,
            "problem_statement": statement,
            "hints_text": "",
            "created_at": "2025-02-03T10:11:12Z",
            "version": "0.4",
            "patch": fixed.diff_from(&base),
            "test_patch": "",
            "FAIL_TO_PASS": "[\"tests/test_manifest.py::test_ballast_counts_once\"]",
            "PASS_TO_PASS": "[\"tests/test_manifest.py::test_empty_hold\"]",
        }),
        prompt: prompt(&format!(
            "<issue_description>\n{statement}\n</issue_description>\n\nMake the change that resolves the issue."
        )),
        base,
    }
}

/// The two lines that count ballast twice.
pub(crate) const TWICE: &str = "    tonnes = sum(item[\"tonnes\"] for item in cargo)\n    return tonnes + \
                                sum(item[\"tonnes\"] for item in cargo if item[\"ballast\"])\n";
/// The line that counts it once.
pub(crate) const ONCE: &str = "    return sum(item[\"tonnes\"] for item in cargo)\n";
