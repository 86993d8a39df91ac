//! The world of the samples: a repository that does not exist, and the tools that act on it.
//!
//! Listings, searches, views, edits and diffs are computed from the files as they stand at that moment, so that what
//! an agent sees is what is there. Test runs are told, as their programs are not at hand.

use std::collections::BTreeMap;

/// The repository's name.
pub(crate) const REPO: &str = "tidepool/harbor-kit";
/// Where agents find it.
pub(crate) const ROOT: &str = "/workspace/harbor-kit";
/// The commit that every attempt starts from.
pub(crate) const BASE_COMMIT: &str = "5f0c2a9e7d1b43868e0fa4c6d2979b10e3c58a74";

const INIT: &str = r#""""Small tools for small harbours."""

from harbor_kit.berths import Berth, plan_arrivals
from harbor_kit.manifest import read_manifest, total_tonnage
from harbor_kit.tides import Reading, interpolate, next_high_water

__all__ = ["Berth", "Reading", "interpolate", "next_high_water", "plan_arrivals", "read_manifest", "total_tonnage"]
"#;

const TIDES: &str = r#""""Tide readings and what follows from them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """A height at a minute of the day."""

    minute: int
    height_cm: int


def parse_reading(line):
    """Turn `HH:MM height` into a Reading."""
    clock, height = line.split()
    hours, minutes = clock.split(":")
    return Reading(int(hours) * 60 + int(minutes), int(height))


def interpolate(readings, minute):
    earlier = [r for r in readings if r.minute <= minute]
    later = [r for r in readings if r.minute >= minute]
    if not earlier or not later:
        raise ValueError(f"minute {minute} is outside the readings")
    a, b = earlier[-1], later[0]
    if a.minute == b.minute:
        return float(a.height_cm)
    share = (minute - a.minute) / (b.minute - a.minute)
    return a.height_cm + share * (b.height_cm - a.height_cm)


def next_high_water(readings, minute):
    """Return the first crest after `minute`, or None."""
    for before, here, after in zip(readings, readings[1:], readings[2:]):
        if here.minute > minute and before.height_cm < here.height_cm > after.height_cm:
            return here
    return None


def slack_window(readings, tolerance_cm):
    """Return the longest span (start, end) in minutes whose heights differ by at most `tolerance_cm`."""
    best = None
    for i, first in enumerate(readings):
        low = high = first.height_cm
        for last in readings[i:]:
            low, high = min(low, last.height_cm), max(high, last.height_cm)
            if high - low > tolerance_cm:
                break
            if best is None or last.minute - first.minute > best[1] - best[0]:
                best = (first.minute, last.minute)
    return best
"#;

const BERTHS: &str = r#""""Which ship lies where, and when."""

from harbor_kit.manifest import total_tonnage
from harbor_kit.tides import interpolate, next_high_water


class Berth:
    """A place at the quay."""

    def __init__(self, name, depth_cm, limit_t):
        self.name = name
        self.depth_cm = depth_cm
        self.limit_t = limit_t

    def fits(self, ship, readings, minute):
        """Tell whether `ship` floats here at `minute` and the quay bears its cargo."""
        water_cm = self.depth_cm + interpolate(readings, minute)
        return ship["draught_cm"] < water_cm and total_tonnage(ship["cargo"]) <= self.limit_t


def plan_arrivals(ships, berths, readings):
    """Give each ship the first free berth that fits at its next high water."""
    plan = {}
    free = list(berths)
    for ship in sorted(ships, key=lambda s: s["eta"]):
        high = next_high_water(readings, ship["eta"])
        if high is None:
            continue
        for berth in free:
            if berth.fits(ship, readings, high.minute):
                plan[ship["name"]] = (berth.name, high.minute)
                free.remove(berth)
                break
    return plan
"#;

const MANIFEST: &str = r#""""Cargo manifests."""

import csv


def read_manifest(path):
    """Read a manifest of the columns item, tonnes and ballast."""
    with open(path, newline="", encoding="utf-8") as source:
        return [_row(row) for row in csv.DictReader(source)]


def _row(row):
    return {"item": row["item"], "tonnes": float(row["tonnes"]), "ballast": row["ballast"] == "yes"}


def total_tonnage(cargo):
    """Sum what the quay has to bear; ballast is counted once."""
    tonnes = sum(item["tonnes"] for item in cargo)
    return tonnes + sum(item["tonnes"] for item in cargo if item["ballast"])
"#;

const TEST_MANIFEST: &str = r#"from harbor_kit.manifest import total_tonnage


def test_ballast_counts_once():
    cargo = [
        {"item": "grain", "tonnes": 40.0, "ballast": False},
        {"item": "water", "tonnes": 10.0, "ballast": True},
    ]
    assert total_tonnage(cargo) == 50.0


def test_empty_hold():
    assert total_tonnage([]) == 0
"#;

const README: &str = "# harbor-kit\n\nSmall tools for small harbours: tides, berths, manifests.\n\n\
    Größe und Höhe in cm, Zeit in Minuten. 潮汐 are read from plain text.\n";

/// The files of the repository at one moment.
#[derive(Clone)]
pub(crate) struct Repo {
    files: BTreeMap<String, String>,
}

impl Repo {
    /// The repository at [`BASE_COMMIT`].
    pub(crate) fn base() -> Self {
        let files = [
            ("README.md", README),
            ("harbor_kit/__init__.py", INIT),
            ("harbor_kit/berths.py", BERTHS),
            ("harbor_kit/manifest.py", MANIFEST),
            ("harbor_kit/tides.py", TIDES),
            ("tests/test_manifest.py", TEST_MANIFEST),
        ];
        Self {
            files: files
                .into_iter()
                .map(|(path, text)| (path.to_owned(), text.to_owned()))
                .collect(),
        }
    }

    /// The text of a file, empty where there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }

    /// Replaces or makes a file.
    pub(crate) fn write(&mut self, path: &str, text: String) {
        self.files.insert(path.to_owned(), text);
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// The paths below `folder`, sorted; all of them for an empty one.
    pub(crate) fn paths(&self, folder: &str) -> Vec<&str> {
        self.files
            .keys()
            .map(String::as_str)
            .filter(|path| path.starts_with(folder))
            .collect()
    }

    /// What `grep -rn NEEDLE FOLDER` prints.
    pub(crate) fn grep(&self, needle: &str, folder: &str) -> String {
        let mut out = String::new();
        for path in self.paths(folder) {
            for (ix, line) in self.text(path).lines().enumerate() {
                if line.contains(needle) {
                    out.push_str(&format!("{path}:{}:{line}\n", ix + 1));
                }
            }
        }
        out
    }

    /// The 0-based line of the first line that contains `needle`.
    pub(crate) fn line_ix(&self, path: &str, needle: &str) -> usize {
        self.text(path)
            .lines()
            .position(|line| line.contains(needle))
            .expect("the story names lines that exist")
    }

    /// What `git diff` prints for the way from `base` to here.
    pub(crate) fn diff_from(&self, base: &Self) -> String {
        let mut out = String::new();
        for (path, new) in &self.files {
            let old = base.text(path);
            if old == new {
                continue;
            }
            let is_new = !base.has(path);
            out.push_str(&format!("diff --git a/{path} b/{path}\n"));
            if is_new {
                out.push_str("new file mode 100644\n");
            }
            let before = if is_new {
                "0000000".to_owned()
            } else {
                hex(old, 7)
            };
            let mode = if is_new { "" } else { " 100644" };
            out.push_str(&format!("index {before}..{}{mode}\n", hex(new, 7)));
            let old_name = if is_new {
                "/dev/null".to_owned()
            } else {
                format!("a/{path}")
            };
            out.push_str(&unified(old, new, &old_name, &format!("b/{path}")));
        }
        out
    }
}

/// A unified diff with three lines of context and its two header lines.
pub(crate) fn unified(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    similar::TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(old_name, new_name)
        .to_string()
}

/// The first `digits` hexadecimal digits of a hash of `text`: ids that look random and never change.
pub(crate) fn hex(text: &str, digits: usize) -> String {
    blake3::hash(text.as_bytes())
        .to_hex()
        .chars()
        .take(digits)
        .collect()
}

/// An id in the shape of a UUID.
pub(crate) fn uuid(text: &str) -> String {
    let digits = hex(text, 32);
    let parts = [(0, 8), (8, 4), (12, 4), (16, 4), (20, 12)];
    parts
        .map(|(from, len)| digits.chars().skip(from).take(len).collect::<String>())
        .join("-")
}
