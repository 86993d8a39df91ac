//! A list narrowed by a fuzzy pattern.

/// Labels, a pattern, and the one under the cursor.
#[derive(Debug, Clone, Default)]
pub struct Picker {
    labels: Vec<String>,
}

impl Picker {
    /// A picker over these labels.
    pub fn new(labels: Vec<String>) -> Self {
        Self { labels }
    }

    /// The labels.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}
