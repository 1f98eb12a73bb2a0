//! What only the processor knows (its time stamp counter, random numbers, how calculations ended): the compiler's intrinsics, and assembly that
//! reads the counter, become calls of functions of the runtime, which are the environment's as the library's are (`annotations/linux/processor.toml`).

use crate::ir::{Ir, Type, Value};
use llvm_sys::{LLVMOpcode, LLVMTypeKind};

/// Rewrites intrinsics, and `rdtsc` and `rdtscp` in assembly, perhaps with `lfence` around (which nothing but a clock can tell from its absence).
pub fn run(ir: &Ir) {
    let functions = ir.functions().into_iter().filter(|&f| !ir.is_declaration(f));
    let calls: Vec<Value> = functions.flat_map(|f| ir.instructions(f)).filter(|&i| ir.opcode(i) == LLVMOpcode::LLVMCall).collect();
    for call in calls {
        if let Some(f) = ir.called_function(call) {
            intrinsic(ir, call, &ir.name(f));
        } else if let Some((text, constraints)) = ir.assembly(call)
            && let Some((with_processor, outputs)) = reads(&text, &constraints)
        {
            assembly(ir, call, with_processor, &outputs);
        }
    }
}

/// Before `at`: a call of a function of the runtime that returns such a number; where it writes another number, that of `more` bits, too.
fn ask(ir: &Ir, at: Value, name: &str, result: Type, given: &[Value], more: Option<u32>) -> (Value, Option<Value>) {
    ir.before(at);
    ir.debug_of(at);
    let slot = more.map(|bits| {
        let ty = ir.int_type(bits);
        let slot = ir.entry_alloca(ir.function_of_block(ir.block_of(at)), ty);
        ir.before(at);
        ir.debug_of(at);
        (slot, ty)
    });
    let args: Vec<Value> = given.iter().copied().chain(slot.map(|s| s.0)).collect();
    let types: Vec<Type> = args.iter().map(|&a| ir.type_of(a)).collect();
    let f = ir.fn_type(result, &types, false);
    let returned = ir.call(ir.declare(name, f), f, &args);
    (returned, slot.map(|(slot, ty)| ir.load(ty, slot)))
}

fn intrinsic(ir: &Ir, call: Value, name: &str) {
    match name {
        // Exceptions that calculations of the library left are not those of a replay.
        "llvm.x86.sse.stmxcsr" => {
            let control = ask(ir, call, "itarget_stmxcsr", ir.i32, &[], None).0;
            ir.store(control, ir.operand(call, 0));
            return ir.erase(call);
        }
        "llvm.x86.sse.ldmxcsr" => {
            ir.before(call);
            ir.debug_of(call);
            let control = ir.load(ir.i32, ir.operand(call, 0));
            ask(ir, call, "itarget_ldmxcsr", ir.void, &[control], None);
            return ir.erase(call);
        }
        _ => {}
    }
    let ty = ir.type_of(call);
    let result = match name {
        "llvm.x86.rdtsc" | "llvm.readcyclecounter" | "llvm.readsteadycounter" => ask(ir, call, "itarget_rdtsc", ir.i64, &[], None).0,
        "llvm.x86.rdpmc" => ask(ir, call, "itarget_rdpmc", ir.i64, &[ir.operand(call, 0)], None).0,
        "llvm.x86.rdpid" => ir.int_cast(ask(ir, call, "itarget_rdpid", ir.i64, &[], None).0, ty, false),
        "llvm.x86.rdtscp" => {
            let (ticks, processor) = ask(ir, call, "itarget_rdtscp", ir.i64, &[], Some(32));
            ir.structure(ty, &[ticks, processor.unwrap_or(ticks)])
        }
        _ => {
            let Some(runtime) = [("llvm.x86.rdrand.", "itarget_rdrand"), ("llvm.x86.rdseed.", "itarget_rdseed")].iter().find_map(|(i, f)| name.starts_with(i).then_some(*f))
            else {
                return;
            };
            let (there, number) = ask(ir, call, runtime, ir.i32, &[], Some(64));
            ir.structure(ty, &[ir.int_cast(number.unwrap_or(there), ir.struct_fields(ty)[0], false), there])
        }
    };
    ir.replace(call, result);
    ir.erase(call);
}

/// Whether the counter is all that assembly reads, if so whether with the processor's number (`rdtscp`), and the registers that are its
/// outputs: `a` (low half), `d` (high half), `c` (processor).
fn reads(text: &str, constraints: &str) -> Option<(bool, Vec<char>)> {
    let instructions = text.split(['\n', ';']).map(str::trim).filter(|i| !i.is_empty() && *i != "lfence");
    let with_processor = match instructions.collect::<Vec<_>>()[..] {
        ["rdtsc"] => false,
        ["rdtscp"] => true,
        _ => return None,
    };
    let mut outputs = Vec::new();
    for constraint in constraints.split(',').filter(|c| !c.starts_with('~')) {
        outputs.push(match constraint.trim_start_matches(['=', '&']) {
            "{ax}" => 'a',
            "{dx}" => 'd',
            "{cx}" if with_processor => 'c',
            _ => return None,
        });
    }
    (constraints.starts_with('=') && !outputs.is_empty()).then_some((with_processor, outputs))
}

fn assembly(ir: &Ir, call: Value, with_processor: bool, outputs: &[char]) {
    let ty = ir.type_of(call);
    let types = if outputs.len() == 1 { vec![ty] } else { ir.struct_fields(ty) };
    if types.len() != outputs.len() || types.iter().any(|&t| ir.kind(t) != LLVMTypeKind::LLVMIntegerTypeKind) {
        return;
    }
    let (ticks, processor) = if with_processor {
        ask(ir, call, "itarget_rdtscp", ir.i64, &[], Some(32))
    } else {
        ask(ir, call, "itarget_rdtsc", ir.i64, &[], None)
    };
    let half = |which: char| match (which, processor) {
        ('c', Some(processor)) => processor,
        ('d', _) => ir.lshr(ticks, 32),
        _ => ir.int_cast(ticks, ir.i32, false),
    };
    let members: Vec<Value> = outputs.iter().zip(&types).map(|(&which, &t)| ir.int_cast(half(which), t, false)).collect();
    ir.replace(call, if outputs.len() == 1 { members[0] } else { ir.structure(ty, &members) });
    ir.erase(call);
}

#[cfg(test)]
mod tests {
    use super::reads;

    #[test]
    fn counters() {
        assert_eq!(reads("rdtsc", "={ax},={dx},~{dirflag},~{fpsr},~{flags}"), Some((false, vec!['a', 'd'])));
        assert_eq!(reads("lfence\n\trdtsc", "={dx},={ax},~{memory}"), Some((false, vec!['d', 'a'])));
        assert_eq!(reads("rdtscp; lfence", "={ax},={dx},={cx}"), Some((true, vec!['a', 'd', 'c'])));
        assert_eq!(reads("rdtsc", "={ax},~{dx}"), Some((false, vec!['a'])));
    }

    #[test]
    fn what_does_more() {
        assert_eq!(reads("rdtsc\n\tmov %eax, $0", "=r,~{ax},~{dx}"), None);
        assert_eq!(reads("cpuid\n\trdtsc", "={ax},={dx},~{bx},~{cx}"), None);
        assert_eq!(reads("rdtsc", "={ax},={dx},={cx}"), None);
        assert_eq!(reads("rdtsc", ""), None);
        assert_eq!(reads("rdtsc", "={ax},={dx},r"), None);
        assert_eq!(reads("", "={ax},={dx}"), None);
    }
}
