//! Folders, the settings file and every default. Knows names of keys and commands only as text.
//!
//! A wrong setting is a [`Problem`] with its line, never a failure: the program runs with the default instead and
//! says so.

mod load;
mod paths;
mod settings;
mod template;

pub use load::load;
pub use paths::Paths;
pub use settings::Background;
pub use settings::ClipboardChoice;
pub use settings::ColorChoice;
pub use settings::DiffChoice;
pub use settings::KeyRow;
pub use settings::Problem;
pub use settings::QueueBase;
pub use settings::QueueCell;
pub use settings::QueueFilter;
pub use settings::QueueSetting;
pub use settings::ReviewSettings;
pub use settings::Settings;
pub use settings::parse_memory;
pub use template::default_toml;
