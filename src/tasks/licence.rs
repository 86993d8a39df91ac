//! The licence of a repository, as far as simple rules tell.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;

/// Longer files hold more than a licence.
const MOST_BYTES: u64 = 1 << 20;
/// The title of a licence stands within so many characters.
const TITLE: usize = 400;

/// A licence that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Licence {
    /// The file that it stands in, below the repository's root.
    pub path: String,
    /// Its name by SPDX, where its text is one of the usual ones.
    pub spdx: Option<String>,
}

/// Finds the licence of a repository: the file of the customary name that lies nearest to the root.
pub fn licence(files: &dyn Files, entries: &[Entry]) -> Option<Licence> {
    let path = entries
        .iter()
        .filter(|entry| matches!(entry.kind, EntryKind::File { bytes } if bytes <= MOST_BYTES))
        .filter_map(|entry| Some((rank(&entry.path)?, &entry.path)))
        .min()
        .map(|(_, path)| path)?;
    let bytes = files.read(path).unwrap_or_default();
    let spdx = spdx(&String::from_utf8_lossy(&bytes)).map(str::to_owned);
    Some(Licence {
        path: path.clone(),
        spdx,
    })
}

/// The order in which files are thought to be the licence; `None` for those that are none.
fn rank(path: &str) -> Option<(usize, bool)> {
    let mut folders: Vec<&str> = path.split('/').collect();
    let name = folders.pop()?.to_ascii_uppercase();
    let is_code = Path::new(&name)
        .extension()
        .is_some_and(|ending| ending == "PY" || ending == "JSON");
    let is_named = ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"]
        .iter()
        .any(|begin| name.starts_with(begin));
    // wheels keep it beside their code
    let is_place = folders.iter().all(|folder| {
        folder.ends_with(".dist-info")
            || folder.ends_with(".egg-info")
            || folder.eq_ignore_ascii_case("licenses")
    });
    // the Lesser GPL comes beside the GPL that it builds on
    (is_named && is_place && !is_code).then(|| (folders.len(), !name.contains("LESSER")))
}

/// The name of a licence by its words.
fn spdx(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ").to_lowercase();
    let title: String = text.chars().take(TITLE).collect();
    let has = |words: &str| text.contains(words);
    let is_titled = |words: &str| title.contains(words);
    if is_titled("gnu affero general public license") {
        return Some("AGPL-3.0");
    }
    if is_titled("gnu lesser general public license")
        || is_titled("gnu library general public license")
    {
        let is_third = is_titled("version 3");
        return Some(if is_third { "LGPL-3.0" } else { "LGPL-2.1" });
    }
    if is_titled("gnu general public license") {
        let is_third = is_titled("version 3");
        return Some(if is_third { "GPL-3.0" } else { "GPL-2.0" });
    }
    if is_titled("mozilla public license") && has("2.0") {
        return Some("MPL-2.0");
    }
    if is_titled("apache license") && has("version 2.0") {
        return Some("Apache-2.0");
    }
    if has("this is free and unencumbered software released into the public domain") {
        return Some("Unlicense");
    }
    if has("permission is hereby granted, free of charge, to any person obtaining a copy") {
        return Some("MIT");
    }
    let is_free_to_use = has("permission to use, copy, modify, and/or distribute this software")
        || has("permission to use, copy, modify, and distribute this software");
    if is_free_to_use && has("provided that the above copyright notice") {
        return Some("ISC");
    }
    if has("redistribution and use in source and binary forms") {
        let is_old = has("all advertising materials");
        let has_third = has("neither the name") || has("the names of its contributors");
        return match (is_old, has_third) {
            (true, _) => None,
            (false, true) => Some("BSD-3-Clause"),
            (false, false) => Some("BSD-2-Clause"),
        };
    }
    has("apache license, version 2.0").then_some("Apache-2.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        assert_eq!(spdx(text), want);
    }

    #[test]
    fn licences_by_their_words() {
        check(
            "MIT License\n\nPermission is hereby granted, free of\ncharge, to any person obtaining a copy",
            Some("MIT"),
        );
        check(
            "Apache License\n  Version 2.0, January 2004",
            Some("Apache-2.0"),
        );
        check(
            "GNU GENERAL PUBLIC LICENSE\nVersion 2, June 1991 … GNU Lesser General",
            Some("GPL-2.0"),
        );
        let late = format!(
            "GNU GENERAL PUBLIC LICENSE Version 3 {} GNU Lesser General Public License",
            "x ".repeat(500)
        );
        check(&late, Some("GPL-3.0"));
        check(
            "GNU LESSER GENERAL PUBLIC LICENSE Version 2.1",
            Some("LGPL-2.1"),
        );
        check(
            "GNU LESSER GENERAL PUBLIC LICENSE Version 3",
            Some("LGPL-3.0"),
        );
        check("GNU AFFERO GENERAL PUBLIC LICENSE", Some("AGPL-3.0"));
        check("Mozilla Public License Version 2.0", Some("MPL-2.0"));
        check(
            "This is free and unencumbered software released into the public domain.",
            Some("Unlicense"),
        );
        check(
            "Permission to use, copy, modify, and/or distribute this software … provided that the above copyright notice",
            Some("ISC"),
        );
        let bsd = "Redistribution and use in source and binary forms, with or without";
        check(bsd, Some("BSD-2-Clause"));
        check(&format!("{bsd} Neither the name of"), Some("BSD-3-Clause"));
        check(&format!("{bsd} all advertising materials"), None);
        check("All rights reserved.", None);
        check("", None);
    }

    #[test]
    fn the_file_nearest_to_the_root() {
        let mut paths = [
            "LICENSE",
            "COPYING",
            "COPYING.LESSER",
            "a.dist-info/LICENSE",
            "a.dist-info/licenses/LICENSE",
        ];
        paths.sort_by_key(|path| (rank(path), *path));
        assert_eq!(paths[..2], ["COPYING.LESSER", "COPYING"]);
        assert_eq!(paths[3], "a.dist-info/LICENSE");
        for none in ["vendored/LICENSE", "license.py", "README"] {
            assert_eq!(rank(none), None, "{none}");
        }
    }
}
