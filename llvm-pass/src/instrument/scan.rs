//! What calls of scanf write through their varargs.

use super::Cx;
use super::call::Wrapper;
use crate::ir::Value;
use itarget_plan::Conversion;
use llvm_sys::LLVMIntPredicate;

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
}
