//! Atomic operations as inline assembly: what it does becomes the compiler's own instruction, whose order between threads is recorded as that of any
//! other. Only forms that are one instruction and nothing else.

use crate::ir::{Ir, Value};
use llvm_sys::{LLVMAtomicRMWBinOp, LLVMIntPredicate, LLVMOpcode, LLVMTypeKind};

/// An operand, as the constraints have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operand {
    place: Place,
    /// The argument of the call that is in an output's register before.
    tied: Option<usize>,
    /// In the accumulator.
    accumulator: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A register, read as that number among the results.
    Result(usize),
    /// Memory to which that argument of the call leads.
    Memory(usize),
    /// That argument of the call.
    Value(usize),
}

/// What the assembly does. Memory and values are arguments of the call.
#[derive(Debug, PartialEq)]
struct Atomic {
    memory: usize,
    /// None: one, of the width that the instruction says.
    value: Option<usize>,
    /// Bits, where the instruction says.
    bits: Option<u32>,
    deed: Deed,
    /// Which result is what was there before.
    old: Option<usize>,
    /// What gets the zero flag, in a register or in memory.
    zero: Option<Place>,
}

#[derive(Debug, PartialEq)]
enum Deed {
    /// With what is expected there.
    CompareExchange(usize),
    Change(LLVMAtomicRMWBinOp),
}

/// Rewrites such calls.
pub fn run(ir: &Ir) {
    let functions = ir.functions().into_iter().filter(|&f| !ir.is_declaration(f));
    let calls: Vec<Value> = functions.flat_map(|f| ir.instructions(f)).filter(|&i| ir.opcode(i) == LLVMOpcode::LLVMCall).collect();
    for call in calls {
        if let Some((text, constraints)) = ir.assembly(call)
            && let Some(atomic) = reads(&text, &constraints)
        {
            replace(ir, call, &atomic);
        }
    }
}

/// The operands; none for constraints that are not looked into.
fn operands(constraints: &str) -> Option<Vec<Operand>> {
    let (mut all, mut args, mut results) = (Vec::<Operand>::new(), 0, 0);
    for constraint in constraints.split(',').filter(|c| !c.starts_with('~')) {
        let output = constraint.starts_with('=');
        let kind = constraint.trim_start_matches(['=', '&', '%']);
        let accumulator = kind == "{ax}";
        if let Ok(of) = kind.parse::<usize>() {
            all.get_mut(of)?.tied = Some(args);
        }
        let place = match (kind.starts_with('*'), output) {
            (false, true) => Place::Result(results),
            (true, _) => Place::Memory(args),
            (false, false) => Place::Value(args),
        };
        if let Place::Result(_) = place { results += 1 } else { args += 1 }
        if kind.contains('|') {
            return None;
        }
        all.push(Operand { place, tied: None, accumulator });
    }
    Some(all)
}

/// What assembly does that is one atomic instruction, and perhaps one that keeps the zero flag.
fn reads(text: &str, constraints: &str) -> Option<Atomic> {
    let all = operands(constraints)?;
    let words: Vec<&str> = text.split(['\n', ';', '\t', ' ']).filter(|w| !w.is_empty()).collect();
    let (locked, words) = match words.split_first()? {
        (&"lock", rest) => (true, rest),
        _ => (false, &words[..]),
    };
    let (name, rest) = words.split_first()?;
    let (given, flag) = match rest.iter().position(|w| ["sete", "setz"].contains(w)) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let given = given.concat();
    let given: Vec<&str> = given.split(',').collect();
    let operand = |text: &str| all.get(text.strip_prefix('$')?.parse::<usize>().ok()?).copied();
    let memory = |text: &str| match (operand(text), text.strip_prefix('(').and_then(|t| t.strip_suffix(')'))) {
        (Some(Operand { place: Place::Memory(arg), .. }), _) => Some(arg),
        (_, Some(register)) => match operand(register)?.place {
            Place::Value(arg) => Some(arg),
            _ => None,
        },
        _ => None,
    };
    // What is in a register before, and the result that it is after.
    let register = |text: &str| match operand(text)? {
        Operand { place: Place::Value(arg), .. } => Some((arg, None)),
        Operand { place: Place::Result(result), tied: Some(arg), .. } => Some((arg, Some(result))),
        _ => None,
    };
    let zero = match flag {
        Some([at]) => Some(Some(operand(at)?.place)),
        None => Some(None),
        _ => None,
    }?;
    let (plain, bits) = width(name);
    use LLVMAtomicRMWBinOp as Op;
    let operation = match plain {
        "xchg" => Op::LLVMAtomicRMWBinOpXchg,
        "cmpxchg" if locked => {
            let [value, to] = given[..] else { return None };
            let expected = all.iter().find(|o| o.accumulator && (o.tied.is_some() || matches!(o.place, Place::Value(_))))?;
            let old = all.iter().find_map(|o| if let (true, Place::Result(i)) = (o.accumulator, o.place) { Some(i) } else { None });
            let before = match *expected {
                Operand { place: Place::Value(arg), .. } => arg,
                Operand { tied, .. } => tied?,
            };
            let (value, None) = register(value)? else { return None };
            return Some(Atomic { memory: memory(to)?, value: Some(value), bits, deed: Deed::CompareExchange(before), old, zero });
        }
        "xadd" | "add" | "inc" if locked => Op::LLVMAtomicRMWBinOpAdd,
        "sub" | "dec" if locked => Op::LLVMAtomicRMWBinOpSub,
        "and" if locked => Op::LLVMAtomicRMWBinOpAnd,
        "or" if locked => Op::LLVMAtomicRMWBinOpOr,
        "xor" if locked => Op::LLVMAtomicRMWBinOpXor,
        _ => return None,
    };
    let deed = Deed::Change(operation);
    match (plain, &given[..]) {
        ("inc" | "dec", [to]) => Some(Atomic { memory: memory(to)?, value: None, bits: Some(bits?), deed, old: None, zero }),
        ("inc" | "dec", _) => None,
        ("xchg" | "xadd", &[a, b]) => {
            let (to, from) = if plain == "xchg" && memory(a).is_some() { (a, b) } else { (b, a) };
            let (value, Some(old)) = register(from)? else { return None };
            flag.is_none().then_some(())?;
            Some(Atomic { memory: memory(to)?, value: Some(value), bits, deed, old: Some(old), zero })
        }
        (_, &[from, to]) => {
            let (value, None) = register(from)? else { return None };
            Some(Atomic { memory: memory(to)?, value: Some(value), bits, deed, old: None, zero })
        }
        _ => None,
    }
}

/// The instruction without the letter that says how wide it is, and the width in bits.
fn width(name: &str) -> (&str, Option<u32>) {
    const NAMES: &[&str] = &["xchg", "cmpxchg", "xadd", "add", "inc", "sub", "dec", "and", "or", "xor"];
    if NAMES.contains(&name) {
        return (name, None);
    }
    let bits = [('b', 8), ('w', 16), ('l', 32), ('q', 64)].into_iter().find_map(|(letter, bits)| Some((name.strip_suffix(letter)?, Some(bits))));
    bits.unwrap_or((name, None))
}

fn replace(ir: &Ir, call: Value, atomic: &Atomic) {
    let whole = ir.type_of(call);
    let types = match ir.kind(whole) {
        LLVMTypeKind::LLVMVoidTypeKind => vec![],
        LLVMTypeKind::LLVMStructTypeKind => ir.struct_fields(whole),
        _ => vec![whole],
    };
    let Some(ty) = atomic.value.map(|v| ir.type_of(ir.operand(call, v as u32))).or_else(|| atomic.bits.map(|b| ir.int_type(b))) else { return };
    let number = |ty| ir.kind(ty) == LLVMTypeKind::LLVMIntegerTypeKind;
    let pointer = |ty| ir.kind(ty) == LLVMTypeKind::LLVMPointerTypeKind;
    let whole_word = matches!(atomic.deed, Deed::CompareExchange(_) | Deed::Change(LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpXchg));
    let bits = if pointer(ty) { 64 } else if number(ty) { ir.int_bits(ty) } else { return };
    let expected = if let Deed::CompareExchange(arg) = atomic.deed { Some(ir.operand(call, arg as u32)) } else { None };
    let flag = if let Some(Place::Result(i)) = atomic.zero { Some(i) } else { None };
    let covered = |i: usize| Some(i) == atomic.old && types[i] == ty || Some(i) == flag && number(types[i]);
    let other = ![8, 16, 32, 64].contains(&bits)
        || atomic.bits.is_some_and(|b| b != bits)
        || pointer(ty) && !whole_word
        || expected.is_some_and(|e| ir.type_of(e) != ty)
        || !pointer(ir.type_of(ir.operand(call, atomic.memory as u32)))
        || matches!(atomic.zero, Some(Place::Value(_)))
        || !(0..types.len()).all(covered);
    if other {
        return;
    }
    ir.before(call);
    ir.debug_of(call);
    let memory = ir.operand(call, atomic.memory as u32);
    let value = atomic.value.map_or_else(|| ir.int(ty, 1), |v| ir.operand(call, v as u32));
    use LLVMAtomicRMWBinOp as Op;
    let (old, zero) = match &atomic.deed {
        Deed::CompareExchange(_) => ir.compare_exchange(memory, expected.unwrap_or(value), value),
        Deed::Change(operation) => {
            let old = ir.read_modify_write(*operation, memory, value);
            let zero = atomic.zero.map(|_| {
                let new = match operation {
                    Op::LLVMAtomicRMWBinOpAdd => ir.add(old, value),
                    Op::LLVMAtomicRMWBinOpSub => ir.sub(old, value),
                    Op::LLVMAtomicRMWBinOpAnd => ir.and(old, value),
                    Op::LLVMAtomicRMWBinOpOr => ir.or(old, value),
                    _ => ir.xor(old, value),
                };
                ir.icmp(LLVMIntPredicate::LLVMIntEQ, new, ir.zero(ty))
            });
            (old, zero.unwrap_or(old))
        }
    };
    if let Some(Place::Memory(at)) = atomic.zero {
        ir.store(ir.int_cast(zero, ir.int_type(8), false), ir.operand(call, at as u32));
    }
    let members: Vec<Value> = (0..types.len()).map(|i| if Some(i) == atomic.old { old } else { ir.int_cast(zero, types[i], false) }).collect();
    match &members[..] {
        [] => {}
        [one] => ir.replace(call, *one),
        _ => ir.replace(call, ir.structure(whole, &members)),
    }
    ir.erase(call);
}

#[cfg(test)]
mod tests {
    use super::{Atomic, Deed, Place, reads};
    use llvm_sys::LLVMAtomicRMWBinOp as Op;

    #[test]
    fn compare_exchange() {
        let deed = |arg| Deed::CompareExchange(arg);
        let whole = Atomic { memory: 0, value: Some(1), bits: None, deed: deed(2), old: Some(0), zero: None };
        assert_eq!(reads("lock; cmpxchg $2, $1;", "={ax},=*m,r,0,*m,~{memory}"), Some(whole));
        let flag = Atomic { memory: 0, value: Some(1), bits: Some(64), deed: deed(3), old: Some(1), zero: Some(Place::Result(0)) };
        assert_eq!(reads("lock ; cmpxchgq $3,$1 ; sete $0", "=q,=*m,={ax},r,*m,2,~{cc}"), Some(flag));
        assert_eq!(reads("cmpxchg $2, $1", "={ax},=*m,r,0,*m"), None);
    }

    #[test]
    fn changes() {
        let change = |operation, memory, value, bits, old| Atomic { memory, value, bits, deed: Deed::Change(operation), old, zero: None };
        assert_eq!(reads("lock; xaddl $0,$1", "=r,=*m,0,*m"), Some(change(Op::LLVMAtomicRMWBinOpAdd, 0, Some(1), Some(32), Some(0))));
        assert_eq!(reads("lock\n\txaddl $0, ($1)", "=r,r,0,~{memory}"), Some(change(Op::LLVMAtomicRMWBinOpAdd, 0, Some(1), Some(32), Some(0))));
        assert_eq!(reads("xchgq $0,$1", "=r,=*m,0,*m"), Some(change(Op::LLVMAtomicRMWBinOpXchg, 0, Some(1), Some(64), Some(0))));
        assert_eq!(reads("lock addl $1,$0", "=*m,ir,*m"), Some(change(Op::LLVMAtomicRMWBinOpAdd, 0, Some(1), Some(32), None)));
        assert_eq!(reads("lock; decl $0", "=*m,*m"), Some(change(Op::LLVMAtomicRMWBinOpSub, 0, None, Some(32), None)));
    }

    #[test]
    fn what_is_more_or_less() {
        assert_eq!(reads("lock; addl $$0,0(%rsp)", "~{memory}"), None);
        assert_eq!(reads("lock; incl $0; incl $0", "=*m,*m"), None);
        assert_eq!(reads("addl $1,$0", "=*m,ir,*m"), None);
        assert_eq!(reads("1: lock; decl $0; jns 2f; 2:", "=*m,*m"), None);
        assert_eq!(reads("xchg $1,$0", "=r,=r,0,1"), None);
        assert_eq!(reads("", "~{memory}"), None);
    }
}
