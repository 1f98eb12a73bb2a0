//! What pass and runtime both ask of printf formats.

/// Whether a printf format has a conversion `m`, which prints the text of `errno`.
#[must_use]
pub fn names_errno(format: &[u8]) -> bool {
    let mut rest = format.iter();
    while rest.any(|b| *b == b'%') {
        // Flags, width, precision and length come before the conversion.
        let conversion = rest.find(|b| **b == b'%' || b.is_ascii_alphabetic() && !b"hlqjztLI".contains(b));
        if conversion == Some(&b'm') {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::names_errno;

    #[test]
    fn conversions_are_told_from_text() {
        for yes in ["%m", "%s: %m\n", "%%%m", "%-20m", "%#m"] {
            assert!(names_errno(yes.as_bytes()), "{yes}");
        }
        for no in ["", "m", "%", "%dm", "100%% m", "%ldm %s", "%%m"] {
            assert!(!names_errno(no.as_bytes()), "{no}");
        }
    }
}
