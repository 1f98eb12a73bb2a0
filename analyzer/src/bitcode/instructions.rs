//! Instructions of one function to the model's.

use super::constants::{Constants, scale};
use super::convert::Converted;
use super::declared::{Tag, Tags};
use super::ll::{Block as LlBlock, FileName, Kind, Op, Place, Ty, TyKind, Value, kind_of_attribute};
use super::prepare::Sites;
use super::prototypes::Prototypes;
use crate::model::{
    self, Access, Block, Call, Callee, Class, Declared, External, FileId, GepStep, Instr, InstrKind, Location, Number, Operand,
    Signature, TypedMember, ValueId,
};
use rustc_hash::FxHashMap;

/// No address is below this (the kernel maps nothing on the first page).
const LOW_BITS: i64 = 4096;

/// True for a pointer seen as an integer.
fn is_address(v: Value<'_>) -> bool {
    matches!(v.kind(), Kind::LLVMInstructionValueKind) && v.opcode() == Op::LLVMPtrToInt
}

/// File names met so far.
#[derive(Default)]
pub(super) struct Names<'p> {
    /// In order of appearance.
    pub(super) files: Vec<String>,
    by_address: FxHashMap<FileName<'p>, FileId>,
    by_name: FxHashMap<String, FileId>,
}

impl<'p> Names<'p> {
    /// The location of an instruction, function or global.
    pub(super) fn location(&mut self, value: Value<'p>) -> Option<Location> {
        let (line, name) = value.line()?;
        if let Some(file) = self.by_address.get(&name) {
            return Some(Location { file: *file, line });
        }
        let text = name.to_text();
        let next = FileId::from(self.files.len());
        let file = *self.by_name.entry(text.clone()).or_insert(next);
        if file == next {
            self.files.push(text);
        }
        self.by_address.insert(name, file);
        Some(Location { file, line })
    }
}

/// Where a pointer leads: so many bytes into a structure.
#[derive(Clone, Copy)]
struct Inside<'p> {
    structure: Ty<'p>,
    offset: u64,
    /// Bytes of an element, if it is one of an array.
    element: u64,
}

impl<'p> Inside<'p> {
    fn start(structure: Ty<'p>) -> Self {
        Inside { structure, offset: 0, element: 0 }
    }
}

/// Converts one function body.
pub(super) struct Body<'a, 'p> {
    constants: &'a mut Constants<'p>,
    names: &'a mut Names<'p>,
    sites: &'a Sites,
    prototypes: &'a Prototypes,
    tags: &'a mut Tags,
    function: Value<'p>,
    locals: FxHashMap<usize, ValueId>,
    inside: FxHashMap<usize, Inside<'p>>,
    instrs: Vec<Instr>,
    blocks: Vec<Block>,
    /// See [`model::Function::numbers`]; `None`: not wanted.
    numbers: Option<Vec<(u32, Number)>>,
    byval_kind: u32,
    sret_kind: u32,
}

impl<'a, 'p> Body<'a, 'p> {
    pub(super) fn new(
        constants: &'a mut Constants<'p>,
        names: &'a mut Names<'p>,
        (sites, prototypes): (&'a Sites, &'a Prototypes),
        tags: &'a mut Tags,
        (function, numbers): (Value<'p>, bool),
    ) -> Self {
        let (byval_kind, sret_kind) = (kind_of_attribute("byval"), kind_of_attribute("sret"));
        Body {
            constants,
            names,
            sites,
            prototypes,
            tags,
            function,
            locals: FxHashMap::default(),
            inside: FxHashMap::default(),
            instrs: Vec::new(),
            blocks: Vec::new(),
            numbers: numbers.then(Vec::new),
            byval_kind,
            sret_kind,
        }
    }

    pub(super) fn convert(&mut self) {
        let params = self.function.params();
        for (i, param) in params.iter().enumerate() {
            self.locals.insert(param.key(), ValueId::from(i));
        }
        let blocks: Vec<LlBlock<'p>> = self.function.blocks().collect();
        let mut numbers = FxHashMap::default();
        let mut next = params.len();
        for (number, block) in blocks.iter().enumerate() {
            numbers.insert(*block, u32::try_from(number).unwrap_or(u32::MAX));
            for instruction in block.instructions() {
                self.locals.insert(instruction.key(), ValueId::from(next));
                next += 1;
            }
        }
        let mut edges = Vec::with_capacity(blocks.len());
        for block in &blocks {
            let mut successors: Vec<u32> = block.successors().iter().map(|s| numbers[s]).collect();
            successors.sort_unstable();
            successors.dedup();
            edges.push(successors);
        }
        let depths = model::loop_depths(&edges);
        for (number, (block, successors)) in blocks.iter().zip(edges).enumerate() {
            let first = u32::try_from(self.instrs.len()).unwrap_or(u32::MAX);
            for instruction in block.instructions() {
                let instr = self.instruction(instruction, u32::try_from(number).unwrap_or(u32::MAX));
                self.instrs.push(instr);
            }
            let end = u32::try_from(self.instrs.len()).unwrap_or(u32::MAX);
            self.blocks.push(Block { first, end, loop_depth: depths[number], successors });
        }
    }

    pub(super) fn finish(mut self, externals: &[External]) -> Converted {
        // Clang leaves out the tag where it copies a structure to or from registers: in a function that has
        // tags this is no sign of other rules.
        let mut accesses: Vec<&mut Access> = self.instrs.iter_mut().filter_map(|i| i.kind.access_mut()).collect();
        if accesses.iter().any(|a| a.declared != Declared::Unknown) {
            let unknown = accesses.iter_mut().filter(|a| a.declared == Declared::Unknown);
            unknown.for_each(|a| a.declared = Declared::Any);
        } else {
            accesses.into_iter().for_each(|a| a.member = None);
        }
        self.word_copies();
        self.byte_copies();
        let twice = self.instrs.iter().any(|instr| match &instr.kind {
            InstrKind::Call(call) => match call.callee {
                Callee::External(id) => externals[id.index()].attributes.returns_twice,
                _ => false,
            },
            _ => false,
        });
        (self.instrs, self.blocks, twice, self.numbers.unwrap_or_default())
    }

    /// A word that is loaded through a pointer to numbers and stored through another as it is may be part of
    /// anything: sorting functions and copy loops move structures so, whatever C says of it.
    fn word_copies(&mut self) {
        let params = self.function.params().len();
        let is_word = |a: &Access| a.declared == Declared::Number && a.record.is_none() && a.class == Class::Int(8);
        let mut copies = Vec::new();
        for (index, instr) in self.instrs.iter().enumerate() {
            let InstrKind::Store { value: Operand::Local(value), access, .. } = &instr.kind else { continue };
            let Some(from) = value.index().checked_sub(params) else { continue };
            let loaded = self.instrs.get(from).is_some_and(|i| matches!(&i.kind, InstrKind::Load { access, .. } if is_word(access)));
            if is_word(access) && loaded {
                copies.extend([index, from]);
            }
        }
        for index in copies {
            if let Some(access) = self.instrs[index].kind.access_mut() {
                access.declared = Declared::Any;
                access.member = None;
            }
        }
    }

    /// A byte that is loaded through a pointer to characters and stored through another, and nothing else, may be part of a pointer:
    /// structures may be copied byte by byte, as C says. Each byte counts as the whole pointer.
    fn byte_copies(&mut self) {
        let params = self.function.params().len();
        let mut uses = vec![0u32; self.instrs.len()];
        for instr in &self.instrs {
            instr.kind.operands(|operand| {
                if let Operand::Local(value) = operand
                    && let Some(at) = value.index().checked_sub(params)
                    && let Some(n) = uses.get_mut(at)
                {
                    *n += 1;
                }
            });
        }
        let is_byte = |a: &Access| {
            matches!(a.declared, Declared::Any | Declared::Unknown) && a.record.is_none() && a.member.is_none() && matches!(a.class, Class::Int(1..=4))
        };
        let mut copies = Vec::new();
        for (index, instr) in self.instrs.iter().enumerate() {
            let InstrKind::Store { value: Operand::Local(value), access, .. } = &instr.kind else { continue };
            let Some(from) = value.index().checked_sub(params) else { continue };
            let loaded = self.instrs.get(from).is_some_and(|i| matches!(&i.kind, InstrKind::Load { access, .. } if is_byte(access)));
            if is_byte(access) && loaded && uses[from] == 1 {
                copies.extend([index, from]);
            }
        }
        for index in copies {
            if let Some(access) = self.instrs[index].kind.access_mut() {
                access.class = Class::Int(8);
            }
        }
    }

    /// What the next instruction does to a number.
    fn number(&mut self, v: Value<'p>) -> Option<Number> {
        Some(match v.opcode() {
            Op::LLVMSExt | Op::LLVMZExt | Op::LLVMTrunc => Number::Cast,
            Op::LLVMPHI => Number::Phi,
            Op::LLVMAdd => match self.at(v, 1) {
                Operand::Int(by) => Number::Add(by),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// The class of a result. The numbers that assembly leaves in registers hold no pointer if each is too narrow for one
    /// (`cpuid`), as ever else.
    fn result_class(&self, v: Value<'p>, kind: &InstrKind) -> Class {
        let assembly = matches!(kind, InstrKind::Call(call) if matches!(call.callee, Callee::Asm { .. }));
        match self.constants.types.class(v.ty()) {
            Class::Aggregate if assembly && self.constants.types.is_narrow(v.ty()) => Class::Float,
            class => class,
        }
    }

    fn instruction(&mut self, v: Value<'p>, block: u32) -> Instr {
        if self.numbers.is_some()
            && let Some(number) = self.number(v)
        {
            let at = u32::try_from(self.instrs.len()).unwrap_or(u32::MAX);
            self.numbers.get_or_insert_default().push((at, number));
        }
        let kind = self.kind(v);
        let site = matches!(
            v.opcode(),
            Op::LLVMLoad
                | Op::LLVMStore
                | Op::LLVMAtomicRMW
                | Op::LLVMAtomicCmpXchg
                | Op::LLVMVAArg
                | Op::LLVMCall
                | Op::LLVMInvoke
                | Op::LLVMCallBr
        );
        let class = self.result_class(v, &kind);
        Instr {
            kind,
            ordinal: if site { self.sites.ordinals.get(&v.key()).copied() } else { None },
            class,
            used: v.has_uses(),
            at: self.names.location(v),
            block,
        }
    }

    fn operand(&mut self, value: Value<'p>) -> Operand {
        match value.kind() {
            Kind::LLVMInstructionValueKind | Kind::LLVMArgumentValueKind => {
                self.locals.get(&value.key()).map_or(Operand::Undef, |id| Operand::Local(*id))
            }
            _ => self.constants.operand(value),
        }
    }

    fn at(&mut self, v: Value<'p>, index: u32) -> Operand {
        match v.operand(index) {
            Some(operand) => self.operand(operand),
            None => Operand::Undef,
        }
    }

    fn all(&mut self, v: Value<'p>) -> Box<[Operand]> {
        (0..v.operand_count()).map(|i| self.at(v, i)).collect()
    }

    fn access(&mut self, v: Value<'p>, moved: Option<Value<'p>>, atomic: bool) -> Access {
        let ty = moved.unwrap_or(v).ty();
        let Tag { declared, record, mut member } = self.tags.of(v);
        let ptr = match v.opcode() {
            Op::LLVMStore => v.operand(1),
            _ => v.operand(0),
        };
        // What the tag says goes first: arithmetic may go through a structure that is not there (a ring's sentinel).
        if member.is_none() {
            member = ptr.and_then(|ptr| self.inside(ptr));
        }
        Access {
            size: self.constants.types.layout.store_size(ty),
            class: self.constants.types.class(ty),
            volatile: v.volatile(),
            atomic,
            declared,
            record,
            member,
        }
    }

    fn kind(&mut self, v: Value<'p>) -> InstrKind {
        match v.opcode() {
            Op::LLVMAlloca => self.alloca(v),
            Op::LLVMLoad => {
                let access = self.access(v, None, v.atomic());
                InstrKind::Load { ptr: self.at(v, 0), access }
            },
            Op::LLVMStore => {
                let access = self.access(v, v.operand(0), v.atomic());
                InstrKind::Store { ptr: self.at(v, 1), value: self.at(v, 0), access }
            }
            Op::LLVMAtomicRMW => {
                let access = self.access(v, v.operand(1), true);
                InstrKind::AtomicRmw { ptr: self.at(v, 0), value: self.at(v, 1), access }
            }
            Op::LLVMAtomicCmpXchg => {
                let access = self.access(v, v.operand(1), true);
                InstrKind::CmpXchg { ptr: self.at(v, 0), expected: self.at(v, 1), value: self.at(v, 2), access }
            }
            Op::LLVMVAArg => InstrKind::VaArg { list: self.at(v, 0) },
            Op::LLVMGetElementPtr => self.gep(v),
            Op::LLVMCall | Op::LLVMInvoke | Op::LLVMCallBr => self.call(v),
            Op::LLVMRet => InstrKind::Ret { value: (v.operand_count() > 0).then(|| self.at(v, 0)) },
            Op::LLVMBr | Op::LLVMSwitch | Op::LLVMIndirectBr => {
                let conditional = !matches!(v.opcode(), Op::LLVMBr) || v.operand_count() == 3;
                InstrKind::Branch { on: conditional.then(|| self.at(v, 0)) }
            }
            Op::LLVMResume | Op::LLVMUnreachable => InstrKind::Branch { on: None },
            Op::LLVMFence => InstrKind::Nop,
            Op::LLVMLandingPad | Op::LLVMCleanupPad | Op::LLVMCatchPad | Op::LLVMCatchSwitch => InstrKind::LandingPad,
            Op::LLVMSelect => InstrKind::Copy { from: Box::new([self.at(v, 1), self.at(v, 2)]) },
            Op::LLVMPHI
            | Op::LLVMBitCast
            | Op::LLVMAddrSpaceCast
            | Op::LLVMPtrToInt
            | Op::LLVMIntToPtr
            | Op::LLVMFreeze
            | Op::LLVMExtractValue
            | Op::LLVMInsertValue
            | Op::LLVMExtractElement
            | Op::LLVMInsertElement
            | Op::LLVMShuffleVector => {
                let from = self.all(v);
                if self.constants.types.class(v.ty()).carries_pointer() {
                    InstrKind::Copy { from }
                } else {
                    InstrKind::Compute { from }
                }
            }
            Op::LLVMAdd | Op::LLVMSub | Op::LLVMAnd | Op::LLVMOr | Op::LLVMXor | Op::LLVMShl | Op::LLVMLShr
                if self.constants.types.class(v.ty()).carries_pointer() && !self.is_number(v) =>
            {
                let add = match (v.opcode(), self.at(v, 1)) {
                    (Op::LLVMAdd, Operand::Int(by)) => Some(by),
                    (Op::LLVMSub, Operand::Int(by)) => Some(by.wrapping_neg()),
                    _ => None,
                };
                // What is subtracted leaves no pointer to itself behind.
                let from = if v.opcode() == Op::LLVMSub { Box::new([self.at(v, 0)]) } else { self.all(v) };
                InstrKind::Arith { from, add }
            }
            _ => InstrKind::Compute { from: self.all(v) },
        }
    }

    /// Whether integer arithmetic yields a number whatever goes in: the difference of two pointers, or
    /// the low bits of one.
    fn is_number(&mut self, v: Value<'p>) -> bool {
        match v.opcode() {
            Op::LLVMSub => {
                let constant = matches!(
                    self.at(v, 1),
                    Operand::Global(..) | Operand::ExternalVariable(..) | Operand::Function(_) | Operand::External(_)
                );
                constant || v.operand(1).is_some_and(is_address)
            }
            Op::LLVMAnd => (0..2).any(|i| matches!(self.at(v, i), Operand::Int(mask) if (0..LOW_BITS).contains(&mask))),
            _ => false,
        }
    }

    /// The member of a structure that a pointer leads to, if arithmetic says so.
    fn inside(&mut self, ptr: Value<'p>) -> Option<u32> {
        let Inside { structure, offset, .. } = *self.inside.get(&ptr.key())?;
        if let Some(known) = self.constants.types.inside.get(&(structure, offset)) {
            return *known;
        }
        let mut scalars = Vec::new();
        let complete = self.constants.types.scalars(structure, 0, &mut scalars);
        let member = complete.and_then(|()| self.tags.laid_out(TypedMember { offset, scalars }));
        self.constants.types.inside.insert((structure, offset), member);
        member
    }

    fn alloca(&mut self, v: Value<'p>) -> InstrKind {
        let ty = v.allocated_type();
        let count = match self.at(v, 0) {
            Operand::Int(count) => u64::try_from(count).ok(),
            _ => None,
        };
        InstrKind::Alloca {
            ty: self.constants.types.id(ty),
            size: count.and_then(|count| self.constants.types.layout.size(ty).checked_mul(count)),
            array: count != Some(1),
            name: v.name(),
        }
    }

    /// Notes the innermost structure that arithmetic goes into, and how far; elements of arrays are taken to the first.
    fn note(&mut self, v: Value<'p>) {
        let Some(base) = v.operand(0) else { return };
        let mut ty = v.gep_type();
        let first = self.at(v, 1) == Operand::Int(0);
        let around = self.inside.get(&base.key()).copied();
        let types = &self.constants.types;
        let mut at = match around {
            _ if types.is_named(ty) => Inside::start(ty),
            // Along an array that the pointer is in.
            Some(at) if first || at.element > 0 && types.layout.size(ty) == at.element => at,
            _ => return,
        };
        for i in 2..v.operand_count() {
            match (ty.kind(), self.at(v, i)) {
                (TyKind::LLVMStructTypeKind, Operand::Int(field)) => {
                    let field = u32::try_from(field).unwrap_or(0);
                    at.offset += self.constants.types.layout.offset(ty, field);
                    ty = ty.field(field);
                    at.element = 0;
                }
                (TyKind::LLVMArrayTypeKind, _) => {
                    ty = ty.element();
                    at.element = self.constants.types.layout.size(ty);
                }
                _ => return,
            }
            if self.constants.types.is_named(ty) {
                at = Inside::start(ty);
            }
        }
        self.inside.insert(v.key(), at);
    }

    fn gep(&mut self, v: Value<'p>) -> InstrKind {
        self.note(v);
        let mut ty = v.gep_type();
        let mut steps = Vec::new();
        let mut offset = 0i64;
        let mut indices = Vec::new();
        for i in 1..v.operand_count() {
            let index = match self.at(v, i) {
                Operand::Int(index) => Some(index),
                _ => None,
            };
            if i == 1 {
                let stride = self.constants.types.layout.size(ty);
                match index {
                    Some(index) => offset = offset.wrapping_add(scale(stride, index)),
                    None => {
                        push(&mut steps, &mut offset, GepStep::Pointer { stride });
                        indices.push(self.at(v, i));
                    }
                }
                continue;
            }
            match ty.kind() {
                TyKind::LLVMStructTypeKind => {
                    let field = index.and_then(|f| u32::try_from(f).ok()).unwrap_or(0);
                    let at = self.constants.types.layout.offset(ty, field);
                    offset = offset.wrapping_add(i64::try_from(at).unwrap_or(0));
                    ty = ty.field(field);
                }
                TyKind::LLVMArrayTypeKind => {
                    let count = ty.array_len();
                    ty = ty.element();
                    let stride = self.constants.types.layout.size(ty);
                    let open = count <= 1;
                    if !(open && index == Some(0)) {
                        push(&mut steps, &mut offset, GepStep::Array { stride, count: (!open).then_some(count) });
                        indices.push(self.at(v, i));
                    }
                }
                _ => {
                    if matches!(ty.kind(), TyKind::LLVMVectorTypeKind) {
                        ty = ty.element();
                    }
                    let stride = self.constants.types.layout.size(ty);
                    push(&mut steps, &mut offset, GepStep::Pointer { stride });
                    indices.push(self.at(v, i));
                }
            }
        }
        if let Some(numbers) = self.numbers.as_mut().filter(|_| !indices.is_empty()) {
            numbers.push((u32::try_from(self.instrs.len()).unwrap_or(u32::MAX), Number::Indices(indices.into())));
        }
        if offset != 0 {
            steps.push(GepStep::Const(offset));
        }
        InstrKind::Gep { base: self.at(v, 0), steps: steps.into() }
    }

    fn call(&mut self, v: Value<'p>) -> InstrKind {
        let Some(callee) = v.callee() else { return InstrKind::Nop };
        let count = v.arg_count();
        if matches!(callee.kind(), Kind::LLVMFunctionValueKind)
            && let Some(kind) = self.intrinsic(v, &callee.name())
        {
            return kind;
        }
        let mut args = Vec::new();
        let mut params = Vec::new();
        let mut byval = Vec::new();
        for i in 0..count {
            args.push(self.at(v, i));
            params.push(v.operand(i).map_or(Class::Void, |a| self.constants.types.class(a.ty())));
            let copied = v.call_type_attribute(Place::Param(i), self.byval_kind);
            byval.push(copied.map_or(0, |ty| self.constants.types.layout.size(ty)));
        }
        if byval.iter().all(|size| *size == 0) {
            byval.clear();
        }
        let target = if matches!(callee.kind(), Kind::LLVMInlineAsmValueKind) {
            let (text, constraints) = callee.asm();
            Callee::Asm { text, constraints }
        } else {
            match self.operand(callee) {
                Operand::Function(id) => Callee::Function(id),
                Operand::External(id) => Callee::External(id),
                other => Callee::Indirect(other),
            }
        };
        InstrKind::Call(Box::new(Call {
            callee: target,
            args,
            signature: Signature {
                params,
                ret: self.constants.types.class(v.ty()),
                variadic: v.called_type().variadic(),
            },
            prototypes: self.prototypes.calls.get(&v.key()).cloned().unwrap_or_default(),
            byval,
            sret: count > 0 && v.call_type_attribute(Place::Param(0), self.sret_kind).is_some(),
            invoke: matches!(v.opcode(), Op::LLVMInvoke),
        }))
    }

    /// The model's instruction for a call of an LLVM intrinsic; `None`: an ordinary call.
    fn intrinsic(&mut self, v: Value<'p>, name: &str) -> Option<InstrKind> {
        let rest = name.strip_prefix("llvm.")?;
        let stem = rest.split('.').next().unwrap_or(rest);
        Some(match stem {
            "memcpy" | "memmove" => InstrKind::MemCopy {
                dst: self.at(v, 0),
                src: self.at(v, 1),
                len: self.at(v, 2),
                volatile: matches!(self.at(v, 3), Operand::Int(flag) if flag != 0),
            },
            "memset" => InstrKind::MemSet { dst: self.at(v, 0), value: self.at(v, 1), len: self.at(v, 2) },
            "va_start" => InstrKind::VaStart { list: self.at(v, 0) },
            "va_copy" => InstrKind::VaCopy { dst: self.at(v, 0), src: self.at(v, 1) },
            "va_end" | "lifetime" | "dbg" | "assume" | "donothing" | "prefetch" | "stackrestore" | "invariant"
            | "experimental" | "trap" | "debugtrap" | "ubsantrap" | "pseudoprobe" | "sideeffect" | "var" => {
                InstrKind::Nop
            }
            "expect" | "ptrmask" | "launder" | "strip" | "ssa" | "threadlocal" | "ptr" => {
                InstrKind::Copy { from: Box::new([self.at(v, 0)]) }
            }
            "umax" | "umin" | "smax" | "smin" | "fshl" | "fshr" | "bswap" | "bitreverse" => {
                let from = (0..v.arg_count()).map(|i| self.at(v, i)).collect();
                InstrKind::Arith { from, add: None }
            }
            _ => {
                let from = (0..v.arg_count()).map(|i| self.at(v, i)).collect();
                if matches!(self.constants.types.class(v.ty()), Class::Pointer) {
                    InstrKind::Copy { from }
                } else {
                    InstrKind::Compute { from }
                }
            }
        })
    }
}

/// Appends a variable step, the constant bytes before it first.
fn push(steps: &mut Vec<GepStep>, offset: &mut i64, step: GepStep) {
    if *offset != 0 {
        steps.push(GepStep::Const(*offset));
        *offset = 0;
    }
    steps.push(step);
}
