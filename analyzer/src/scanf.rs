//! Formats of scanf, read where they are constant: what a call may write through its varargs.

use itarget_plan::Conversion;

/// Conversions of a scanf format in order; `None` when it has one that can't be handled
/// (`%m` allocation, positional arguments, wide strings).
pub(crate) fn conversions(format: &[u8]) -> Option<Vec<Conversion>> {
    let mut out = vec![];
    let mut i = 0;
    while i < format.len() {
        if format[i] != b'%' {
            i += 1;
            continue;
        }
        i += 1;
        if format.get(i) == Some(&b'%') {
            i += 1;
            continue;
        }
        let suppressed = format.get(i) == Some(&b'*');
        i += usize::from(suppressed);
        let mut width = 0u64;
        while let Some(d) = format.get(i).filter(|d| d.is_ascii_digit()) {
            width = width.saturating_mul(10).saturating_add(u64::from(d - b'0'));
            i += 1;
        }
        let mut size = 4;
        loop {
            match (format.get(i)?, format.get(i + 1)) {
                (b'h', Some(b'h')) => (size, i) = (1, i + 2),
                (b'h', _) => (size, i) = (2, i + 1),
                (b'l', Some(b'l')) => (size, i) = (8, i + 2),
                (b'l' | b'j' | b'z' | b't' | b'q', _) => (size, i) = (8, i + 1),
                (b'L', _) => (size, i) = (16, i + 1),
                _ => break,
            }
        }
        let c = *format.get(i)?;
        i += 1;
        let size = match c {
            b'd' | b'i' | b'u' | b'o' | b'x' | b'X' => if size == 16 { 8 } else { size },
            b'n' => size,
            b'p' => 8,
            b'e' | b'f' | b'g' | b'a' | b'E' | b'F' | b'G' | b'A' => match size {
                8 => 8,
                16 => 16,
                _ => 4,
            },
            b's' if size != 8 => 0,
            b'c' if size != 8 => width.max(1),
            b'[' if size != 8 => {
                i += usize::from(format.get(i) == Some(&b'^'));
                i += 1; // a `]` here is a member
                while *format.get(i)? != b']' {
                    i += 1;
                }
                i += 1;
                0
            }
            _ => return None,
        };
        if !suppressed {
            out.push(Conversion { size, is_n: c == b'n' });
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let sizes = |f: &str| conversions(f.as_bytes()).map(|v| v.iter().map(|c| c.size).collect::<Vec<_>>());
        assert_eq!(sizes("%d %ld %hhu %s"), Some(vec![4, 8, 1, 0]));
        assert_eq!(sizes("%*d %lf %f %Lf %n"), Some(vec![8, 4, 16, 4]));
        assert_eq!(sizes("%[^]x] %3c %%"), Some(vec![0, 3]));
        assert_eq!(sizes("%ms"), None);
        assert_eq!(sizes("%"), None);
    }
}
