//! What pass and runtime both ask of printf formats.

/// Whether a printf format has a conversion `m`, which prints the text of `errno`.
#[must_use]
pub fn names_errno(format: &[u8]) -> bool {
    has(format, |_, conversion| conversion == b'm')
}

/// Whether what a printf format prints of numbers depends on the locale: a decimal point, groups of digits, other digits.
#[must_use]
pub fn prints_local_numbers(format: &[u8]) -> bool {
    has(format, |flags, conversion| b"aAeEfFgG".contains(&conversion) || flags.iter().any(|b| b"'I".contains(b)))
}

/// Whether a conversion is such: what stands before its letter, and that.
fn has(format: &[u8], such: impl Fn(&[u8], u8) -> bool) -> bool {
    let mut rest = format;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        rest = &rest[at + 1..];
        // Flags, width, precision and length come before the conversion.
        let Some(at) = rest.iter().position(|b| *b == b'%' || b.is_ascii_alphabetic() && !b"hlqjztLI".contains(b)) else { return false };
        if such(&rest[..at], rest[at]) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{names_errno, prints_local_numbers};

    #[test]
    fn conversions_are_told_from_text() {
        for yes in ["%m", "%s: %m\n", "%%%m", "%-20m", "%#m"] {
            assert!(names_errno(yes.as_bytes()), "{yes}");
        }
        for yes in ["%f", "%d %5.2f", "%'d", "%Id", "%Lg", "%%%e"] {
            assert!(prints_local_numbers(yes.as_bytes()), "{yes}");
        }
        for no in ["", "f", "%d f", "%%f", "it's %d", "%5ld %s", "%"] {
            assert!(!prints_local_numbers(no.as_bytes()), "{no}");
        }
        for no in ["", "m", "%", "%dm", "100%% m", "%ldm %s", "%%m"] {
            assert!(!names_errno(no.as_bytes()), "{no}");
        }
    }
}
