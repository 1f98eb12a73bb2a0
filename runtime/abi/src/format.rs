//! What analyzer, pass and runtime ask of formats.

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

/// Whether a printf format has a conversion of wide characters, which become those of the locale.
#[must_use]
pub fn prints_wide(format: &[u8]) -> bool {
    has(format, |before, conversion| b"SC".contains(&conversion) || b"sc".contains(&conversion) && before.contains(&b'l'))
}

/// Whether what a printf format prints may depend on more than the arguments: on `errno` or the locale.
#[must_use]
pub fn varies(format: &[u8]) -> bool {
    names_errno(format) || prints_local_numbers(format) || prints_wide(format)
}

/// Whether a printf format has a conversion `n`, which stores how much was printed.
#[must_use]
pub fn stores(format: &[u8]) -> bool {
    has(format, |_, conversion| conversion == b'n')
}

/// Whether a scanf format has memory allocated (`%ms`).
#[must_use]
pub fn allocates(format: &[u8]) -> bool {
    let mut rest = format;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        rest = &rest[at + 1..];
        let Some(at) = rest.iter().position(|b| !b.is_ascii_digit() && !b"*'I$".contains(b)) else { return false };
        if rest[at] == b'm' {
            return true;
        }
        rest = &rest[at + usize::from(rest[at] == b'%')..];
    }
    false
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
    use super::{allocates, names_errno, prints_local_numbers, prints_wide, stores, varies};

    #[test]
    fn what_is_stored() {
        for yes in ["%n", "a %5.3hhn", "%d%ln", "%%%n"] {
            assert!(stores(yes.as_bytes()), "{yes}");
        }
        for no in ["", "n", "100%% nothing", "%d n %s", "%dn"] {
            assert!(!stores(no.as_bytes()), "{no}");
        }
        for yes in ["%d %ms", "%12m[a-z]", "%% %*d%mc", "%1$ms"] {
            assert!(allocates(yes.as_bytes()), "{yes}");
        }
        for no in ["%d meters %s", "%%ms", "", "m%", "%[m]", "%"] {
            assert!(!allocates(no.as_bytes()), "{no}");
        }
    }

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
        for yes in ["%ls", "%d %-5lc", "%S", "%C"] {
            assert!(prints_wide(yes.as_bytes()) && varies(yes.as_bytes()), "{yes}");
        }
        for no in ["%s", "%ld %s", "%c", "%%ls", "%lu%s"] {
            assert!(!prints_wide(no.as_bytes()) && !varies(no.as_bytes()), "{no}");
        }
        for no in ["", "m", "%", "%dm", "100%% m", "%ldm %s", "%%m"] {
            assert!(!names_errno(no.as_bytes()), "{no}");
        }
    }
}
