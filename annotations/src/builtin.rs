//! The annotation files that come with itarget. Kept in step with the tree by a test.

/// File name and text of every built-in annotation file, sorted by name.
pub(crate) const BUILTIN: &[(&str, &str)] = &[
];
