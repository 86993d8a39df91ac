//! Where hgview keeps its files. Pure over the environment that it is given; creates nothing.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

/// The folders of hgview; none of them need exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml` and `themes/`.
    pub config: PathBuf,
    /// What must not be lost: decisions.
    pub data: PathBuf,
    /// What may be lost: log, history, last position, copies that found no clipboard.
    pub state: PathBuf,
    /// What can be made again: indexes, unpacked files.
    pub cache: PathBuf,
}

impl Paths {
    /// Reads `HGVIEW_{CONFIG,DATA,STATE,CACHE}_DIR` (the folder itself), then `XDG_*_HOME` (with `/hgview` below),
    /// then what is customary on this system. Relative paths count as unset, as the XDG specification asks.
    pub fn of_environment() -> Self {
        Self::of(
            |name| std::env::var_os(name),
            directories::ProjectDirs::from("", "", "hgview").as_ref(),
        )
    }

    /// [`Paths::of_environment`] over any environment; without a home folder everything goes below the folder for
    /// temporary files.
    fn of(
        var: impl Fn(&str) -> Option<OsString>,
        customary: Option<&directories::ProjectDirs>,
    ) -> Self {
        let temporary = || std::env::temp_dir().join("hgview");
        let pick = |own: &str, xdg: &str, last: Option<&Path>| {
            let absolute = |name: &str| {
                var(name)
                    .map(PathBuf::from)
                    .filter(|path| path.is_absolute())
            };
            absolute(own)
                .or_else(|| absolute(xdg).map(|path| path.join("hgview")))
                .or_else(|| last.map(Path::to_path_buf))
                .unwrap_or_else(temporary)
        };
        let data = customary.map(directories::ProjectDirs::data_dir);
        Self {
            config: pick(
                "HGVIEW_CONFIG_DIR",
                "XDG_CONFIG_HOME",
                customary.map(directories::ProjectDirs::config_dir),
            ),
            data: pick("HGVIEW_DATA_DIR", "XDG_DATA_HOME", data),
            state: pick(
                "HGVIEW_STATE_DIR",
                "XDG_STATE_HOME",
                // macOS and Windows have no folder for state
                customary.and_then(|dirs| dirs.state_dir()).or(data),
            ),
            cache: pick(
                "HGVIEW_CACHE_DIR",
                "XDG_CACHE_HOME",
                customary.map(directories::ProjectDirs::cache_dir),
            ),
        }
    }

    /// The settings file.
    pub fn settings_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The folder of the user's own themes.
    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vars: &[(&str, &str)], config: &str, state: &str) {
        let paths = Paths::of(
            |name| {
                vars.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| OsString::from(value))
            },
            None,
        );
        assert_eq!(paths.config, PathBuf::from(config));
        assert_eq!(paths.state, PathBuf::from(state));
    }

    #[test]
    fn own_variables_win_then_xdg_then_temporary() {
        let tmp = std::env::temp_dir().join("hgview").display().to_string();
        check(&[], &tmp, &tmp);
        check(&[("XDG_CONFIG_HOME", "/x")], "/x/hgview", &tmp);
        check(
            &[
                ("XDG_CONFIG_HOME", "/x"),
                ("HGVIEW_CONFIG_DIR", "/own"),
                ("XDG_STATE_HOME", "/s"),
            ],
            "/own",
            "/s/hgview",
        );
        check(&[("HGVIEW_CONFIG_DIR", "relative")], &tmp, &tmp);
    }
}
