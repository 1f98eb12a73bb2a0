//! What calls of scanf and printf write through their varargs.

use super::Cx;
use super::call::Wrapper;
use crate::ir::Value;
use itarget_plan::Conversion;
use llvm_sys::LLVMIntPredicate;

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
    pub(super) fn scanf(&self, w: &Wrapper, first: u32, conversions: &[Conversion], result: Option<Value>) {
        let ir = self.ir;
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
        assert!(printf_has_n(b"%5.2f%ln"));
        assert!(!printf_has_n(b"%d%%n %s\n"));
    }
}
