//! Copies of memory, by field where few places are involved.

use super::Collector;
use crate::annotate::{self, CallSpec};
use crate::flow::extent;
use crate::flow::facts::{CallSite, Movement, PointerArg, Role, WriteFact};
use crate::model::Operand;
use crate::points_to::FieldId;
use itarget_annotations::{Kind, Ret};
use itarget_plan as plan;

impl Collector<'_> {
    pub(super) fn memory_intrinsic(&mut self, at: (usize, usize), ordinal: u32, dst: Operand, src: Option<Operand>, len: Operand) {
        let constant = match len {
            Operand::Int(n) => u64::try_from(n).ok(),
            _ => None,
        };
        let plan_len = constant.map_or(plan::Len::Arg(2), plan::Len::Const);
        let mut spec = CallSpec::unknown();
        spec.kind = Some(Kind::Det);
        spec.ret = Ret::Void;
        let write = plan::Write { arg: 0, len: plan_len, when: None, heap_only: false, carried: false, kept: false, unless: None, copied: None };
        spec.writes.push(annotate::Written { write, through: vec![0], deep: false });
        let to = self.as_bytes(self.span(&self.merged(at.0, dst), constant));
        let mut pointers = vec![PointerArg { arg: 0, values: to.clone(), read: false }];
        let mut movements = Vec::new();
        let bytes = constant.unwrap_or_else(|| self.typical(&to));
        if let Some(src) = src {
            let from = self.as_bytes(self.span(&self.merged(at.0, src), constant));
            pointers.push(PointerArg { arg: 1, values: from, read: true });
            for instance in self.contexts(at.0, &[dst, src]) {
                let to = self.as_bytes(self.points_to.value(instance, dst));
                let from = self.as_bytes(self.points_to.value(instance, src));
                self.copy(&from, &to, constant, bytes, &mut movements);
            }
        }
        let callee = if src.is_some() { "llvm.memcpy" } else { "llvm.memset" };
        self.facts.calls.push(CallSite {
            at,
            ordinal,
            callee: callee.to_owned(),
            role: Role::Det,
            spec,
            writes: vec![WriteFact { values: to, shape: Vec::new(), bytes, nowhere: false }],
            pinned: Vec::new(),
            movements,
            copies: src.is_some(),
            pointers,
            deep: Vec::new(),
            printed: Vec::new(),
            printed_bytes: 0,
            shown: Vec::new(),
            harmless: false,
            used: false,
            ret_bytes: 0,
            upcalls: Vec::new(),
            executions: self.weights.executions(self.module, at.0, at.1, 1),
        });
    }

    /// Copies of `len` bytes: by field where few places are involved.
    pub(super) fn copy(&self, from: &[FieldId], to: &[FieldId], len: Option<u64>, bytes: u64, out: &mut Vec<Movement>) {
        if from.len() * to.len() > 16 {
            let from = self.span(from, len);
            let to = self.landing(&self.span(to, len), bytes);
            out.push(Movement { from, to });
            return;
        }
        for &source in from {
            let base = self.points_to.field(source).offset;
            for v in self.span(&[source], len) {
                let mut landing = Vec::new();
                for &target in to {
                    landing.extend(self.counterpart(source, base, v, target, len));
                }
                landing.sort_unstable();
                landing.dedup();
                out.push(Movement { from: vec![v], to: self.landing(&landing, bytes) });
            }
        }
    }

    /// Where the cell `v` lands when `len` bytes are copied from `source` to `target`.
    pub(super) fn counterpart(&self, source: FieldId, base: u64, v: FieldId, target: FieldId, len: Option<u64>) -> Vec<FieldId> {
        let all = self.span(&[target], len);
        let p = self.points_to;
        let (from, to) = (p.field(source), p.field(target));
        let (v_start, v_end) = extent::stretch(p, v);
        if p.object(from.object).stride != 0 || p.object(to.object).stride != 0 || v_start < base {
            return all;
        }
        let (start, end) = (v_start - base, v_end.saturating_sub(base));
        let overlaps = |w: &FieldId| {
            let (w_start, w_end) = extent::stretch(p, *w);
            w_start < to.offset || (w_start - to.offset < end && start < w_end.saturating_sub(to.offset))
        };
        all.into_iter().filter(overlaps).collect()
    }

    /// Bytes of one call that land in each cell.
    pub(super) fn landing(&self, cells: &[FieldId], bytes: u64) -> Vec<(FieldId, u64)> {
        cells.iter().map(|&w| (w, extent::bytes(self.points_to, w, bytes))).collect()
    }

    /// Size of the largest object of known size, else 0.
    pub(super) fn object_size(&self, fields: &[FieldId]) -> u64 {
        fields.iter().filter_map(|f| self.points_to.object(self.points_to.field(*f).object).size).max().unwrap_or(0)
    }

    pub(super) fn typical(&self, fields: &[FieldId]) -> u64 {
        match self.object_size(fields) {
            0 => 256,
            n => n.min(4096),
        }
    }
}
