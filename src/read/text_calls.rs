//! Calls written as text: `<function=…>` and fenced commands.
