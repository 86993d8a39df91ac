//! Descriptions that somebody wrote into a file.

use std::collections::HashMap;
use std::path::Path;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Value;
use crate::shard::each_line;
use crate::tasks::LeftOut;
use crate::tasks::describe::Describe;
use crate::tasks::describe::Subject;
use crate::tasks::describe::rules::checked;

/// Descriptions by file and name. They are checked as others are; what has none makes no task.
#[derive(Debug, Clone, Default)]
pub struct Written {
    by_place: HashMap<(String, String), String>,
}

impl Written {
    /// Reads a file of JSON lines with `file_path`, `module_name` and `function_description` (or `description`,
    /// `brief_description`); what else they hold does not matter, so that task rows will do. Where several are about the
    /// same, the last one counts.
    ///
    /// # Errors
    /// *input* when it cannot be read or none of its lines is a description.
    pub fn load(path: &Path) -> Result<Self> {
        let mut written = Self::default();
        let read = each_line(path, &mut |line| {
            if let Ok(row) = serde_json::from_slice::<Value>(line.bytes) {
                written.add(&row);
            }
        });
        let name = path.display();
        read.map_err(|err| Error::input(format!("{name} cannot be read")).caused_by(err))?;
        if written.by_place.is_empty() {
            return Err(Error::input(format!("{name} holds no descriptions"))
                .hint("a line has `file_path`, `module_name` and `function_description`"));
        }
        Ok(written)
    }

    fn add(&mut self, row: &Value) {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let description = text("function_description")
            .or_else(|| text("description"))
            .or_else(|| text("brief_description"));
        if let (Some(file), Some(name), Some(description)) =
            (text("file_path"), text("module_name"), description)
        {
            let place = (file.to_owned(), name.to_owned());
            self.by_place.insert(place, description.trim().to_owned());
        }
        for inner in row
            .get("functions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            // one level: what a target holds is no list of targets
            if inner.get("functions").is_none() {
                self.add(inner);
            }
        }
    }
}

impl Describe for Written {
    fn describe(
        &self,
        subject: &Subject<'_>,
        _cancel: &Cancel,
    ) -> std::result::Result<String, LeftOut> {
        let place = (subject.path.to_owned(), subject.name.to_owned());
        let found = self.by_place.get(&place).ok_or_else(|| LeftOut {
            reason: "the file of descriptions has none",
            detail: format!("{} {}", subject.path, subject.qualified_name),
        })?;
        checked(subject, found.clone())
    }
}
