//! Where hgview keeps its files. Pure over the environment that it is given; creates nothing.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

/// Where the folders of somebody without a home folder are: below a device, where no folder can ever be, so that nothing
/// is read or written. A folder in `/tmp` would do harm: others could make it first, and settings name commands that
/// are run.
const NOWHERE: &str = "/dev/null/hgview";

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

    /// [`Paths::of_environment`] over any environment; without a home folder and variables everything is nowhere.
    fn of(
        var: impl Fn(&str) -> Option<OsString>,
        customary: Option<&directories::ProjectDirs>,
    ) -> Self {
        let pick = |own: &str, xdg: &str, last: Option<&Path>| {
            let absolute = |name: &str| {
                var(name)
                    .map(PathBuf::from)
                    .filter(|path| path.is_absolute())
            };
            absolute(own)
                .or_else(|| absolute(xdg).map(|path| path.join("hgview")))
                .or_else(|| last.map(Path::to_path_buf))
                .unwrap_or_else(|| PathBuf::from(NOWHERE))
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

    /// Whether there is a place for settings and themes: somebody without a home folder, who sets no variable either,
    /// has none.
    pub fn has_config(&self) -> bool {
        !self.config.starts_with(NOWHERE)
    }

    /// The settings file. It cannot be there without [`Paths::has_config`].
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
        assert_eq!(paths.has_config(), config != NOWHERE);
    }

    #[test]
    fn own_variables_win_then_xdg_then_nowhere() {
        check(&[], NOWHERE, NOWHERE);
        check(&[("XDG_CONFIG_HOME", "/x")], "/x/hgview", NOWHERE);
        check(
            &[
                ("XDG_CONFIG_HOME", "/x"),
                ("HGVIEW_CONFIG_DIR", "/own"),
                ("XDG_STATE_HOME", "/s"),
            ],
            "/own",
            "/s/hgview",
        );
        check(&[("HGVIEW_CONFIG_DIR", "relative")], NOWHERE, NOWHERE);
    }

    #[test]
    fn nowhere_is_no_place_for_files() {
        let nowhere = Paths::of(|_| None, None);
        for folder in [
            &nowhere.config,
            &nowhere.data,
            &nowhere.state,
            &nowhere.cache,
        ] {
            std::fs::create_dir_all(folder).unwrap_err();
        }
        std::fs::write(nowhere.settings_file(), "").unwrap_err();
        assert_eq!(
            crate::config::load(&nowhere),
            (crate::config::Settings::default(), Vec::new())
        );
    }
}
