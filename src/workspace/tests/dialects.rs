//! One table a dialect: what a step says, and what the file is afterwards.
