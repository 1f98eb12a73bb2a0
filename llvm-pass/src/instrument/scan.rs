//! Formats of scanf and printf, read at compile time: what a call may write through its varargs.

use super::Cx;
use super::call::Wrapper;
use crate::ir::Value;
use llvm_sys::LLVMIntPredicate;

/// One conversion that stores through an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conversion {
    /// Bytes stored; 0 = a C string.
    pub size: u64,
    /// `%n`: does not count in the result.
    pub is_n: bool,
}

/// Conversions of a scanf format in order; `None` when it has one that can't be handled
/// (`%m` allocation, positional arguments, wide strings).
pub(super) fn scanf_conversions(format: &[u8]) -> Option<Vec<Conversion>> {
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

/// True when a printf format stores through `%n`.
pub(super) fn printf_has_n(format: &[u8]) -> bool {
    let mut i = 0;
    while i < format.len() {
        if format[i] != b'%' {
            i += 1;
            continue;
        }
        i += 1;
        while format.get(i).is_some_and(|c| b"#0- +'I*.$hlLqjzt0123456789".contains(c)) {
            i += 1;
        }
        if format.get(i) == Some(&b'n') {
            return true;
        }
        i += 1;
    }
    false
}

impl Cx<'_> {
    /// Logs what a scanf call stored: the first `result` conversions.
    pub(super) fn scanf(&self, w: &Wrapper, first: u32, format: u32, result: Option<Value>) -> Result<(), String> {
        let ir = self.ir;
        let text = w.args.get(format as usize).and_then(|_| ir.const_cstr(self.original_arg(w, format)));
        let Some(conversions) = text.as_deref().and_then(scanf_conversions) else {
            return Err(format!(
                "IT0803: `{}` is called with a format that is not a constant, or has %m or wide conversions: what it writes is not known. Use a constant format",
                ir.name(self.callee(w))
            ));
        };
        let result = result.map_or_else(|| ir.int(ir.i64, 0), |r| ir.int_cast(r, ir.i64, true));
        let null = ir.zero(ir.ptr);
        let mut assigned = 0;
        for (k, c) in conversions.iter().enumerate() {
            let Some(&to) = w.args.get(first as usize + k) else { break };
            // `%n` is stored when all before it were assigned; others when counted in the result.
            let needed = if c.is_n { assigned } else { assigned + 1 };
            let hit = ir.icmp(LLVMIntPredicate::LLVMIntSGE, result, ir.int(ir.i64, needed));
            let to = ir.select(hit, to, null);
            self.hook("__itarget_scan", &[to, ir.int(ir.i64, c.size)]);
            assigned += u64::from(!c.is_n);
        }
        Ok(())
    }

    /// `%n` in a printf format: refused unless the format is a constant without it.
    pub(super) fn printf_n(&self, w: &Wrapper, format: u32) -> Result<(), String> {
        let ir = self.ir;
        if w.args.len() <= format as usize {
            return Ok(());
        }
        match ir.const_cstr(self.original_arg(w, format)) {
            Some(f) if printf_has_n(&f) => Err(format!(
                "IT0809: `{}` is called with %n in its format, which can't be recorded",
                ir.name(self.callee(w))
            )),
            // glibc aborts on %n in writable formats under fortify; elsewhere formats that come
            // at run time are data of the program and %n in them is not supported.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let sizes = |f: &str| scanf_conversions(f.as_bytes()).map(|v| v.iter().map(|c| c.size).collect::<Vec<_>>());
        assert_eq!(sizes("%d %ld %hhu %s"), Some(vec![4, 8, 1, 0]));
        assert_eq!(sizes("%*d %lf %f %Lf %n"), Some(vec![8, 4, 16, 4]));
        assert_eq!(sizes("%[^]x] %3c %%"), Some(vec![0, 3]));
        assert_eq!(sizes("%ms"), None);
        assert_eq!(sizes("%"), None);
        assert!(printf_has_n(b"%5.2f%ln"));
        assert!(!printf_has_n(b"%d%%n %s\n"));
    }
}
