//! What inline assembly can't do.

/// Instructions of x86-64 that work on their operands alone (before the suffix of a size), give the same results for the same operands, and touch
/// memory only where an operand says so.
const ON_OPERANDS: &[&str] = &[
    "adc", "adcx", "add", "adox", "and", "andn", "bsf", "bsr", "bswap", "btr", "bts", "btc", "bt", "clc", "cld", "cmc", "cmp", "crc32", "dec", "div",
    "idiv", "imul", "inc", "lea", "lzcnt", "mov", "movabs", "movsx", "movsl", "movzx", "movzb", "movzw", "movsb", "movsw", "mul", "mulx", "neg", "nop",
    "not", "or", "popcnt", "rcl", "rcr", "rol", "ror", "rorx", "sal", "sar", "sarx", "sbb", "shl", "shld", "shlx", "shr", "shrd", "shrx", "stc", "sub",
    "test", "tzcnt", "xor",
];

/// Whether assembly leaves everything as it is: it has no instructions, only comments, or those of a request to Valgrind (a register is rotated by
/// a multiple of its size and one exchanged with itself; the result is an operand).
#[must_use]
pub fn does_nothing(text: &str) -> bool {
    let mut rotated: Vec<(&str, u32)> = Vec::new();
    let lines = text.lines().filter(|line| !line.trim().starts_with('#'));
    for instruction in lines.flat_map(|line| line.split(';')).map(str::trim).filter(|i| !i.is_empty()) {
        let Some((name, operands)) = instruction.split_once(char::is_whitespace) else { return false };
        let Some((first, second)) = operands.split_once(',').map(|(a, b)| (a.trim(), b.trim())) else { return false };
        match (name, first.strip_prefix("$$").and_then(|bits| bits.parse::<u32>().ok())) {
            ("rolq", Some(bits)) if bits < 64 && second.starts_with('%') => match rotated.iter_mut().find(|r| r.0 == second) {
                Some(r) => r.1 = (r.1 + bits) % 64,
                None => rotated.push((second, bits)),
            },
            ("xchgq", None) if first == second && first.starts_with('%') => {}
            _ => return false,
        }
    }
    rotated.iter().all(|r| r.1 == 0)
}

/// Whether assembly computes with what is in registers and touches no memory: all its instructions are known, none has an operand
/// in memory, and no operand is handed over as a place in memory (`*` in the constraints).
#[must_use]
pub fn only_computes(text: &str, constraints: &str) -> bool {
    // It only keeps the compiler from knowing something, for example.
    if does_nothing(text) {
        return true;
    }
    // What follows a brace is an operand by a name of its part (`${1:k}`); some of those letters make it an address.
    let parts = || text.split('{').skip(1);
    let named = parts().all(|part| part.split_once('}').is_some_and(|(operand, _)| operand.ends_with(['b', 'h', 'w', 'k', 'q']) || !operand.contains(':')));
    if constraints.contains('*') || text.contains(['(', '[', '|']) || !named {
        return false;
    }
    let instructions = || text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
    // A string instruction (`movsb`) has no operands; the others that begin like one do.
    instructions().all(|line| {
        let (name, operands) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let known = |name: &str| ON_OPERANDS.contains(&name) || name.starts_with("cmov") || name.starts_with("set");
        let sized = name.strip_suffix(['b', 'w', 'l', 'q']).is_some_and(known);
        let needs = !matches!(name, "nop" | "clc" | "cld" | "cmc" | "stc");
        (known(name) || sized) && (!needs || !operands.trim().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::{does_nothing, only_computes};

    #[test]
    fn arithmetic_on_registers() {
        assert!(only_computes("divq $4", "={ax},={dx},0,1,rm"));
        assert!(only_computes("addq $5, $1\n\tadcq $3, $0", "=r,=&r,0,rme,1,rme"));
        assert!(only_computes("bsfq $1, $0; xorq $$63, $0", "=r,rm"));
        assert!(only_computes("subq $5,${1:q}\n\tsbbq $3,${0:q}", "=r,=&r,0,rme,1,rme"));
    }

    #[test]
    fn nothing() {
        assert!(only_computes("", "=*m,*m,~{memory}") && only_computes(" \n", "=r,0"));
        assert!(only_computes("# forget what it was", "=r,0,*m") && !only_computes("# one\ncall *$0", "r"));
    }

    #[test]
    fn requests_to_valgrind() {
        let preamble = "rolq $$3,  %rdi ; rolq $$13, %rdi\n\trolq $$61, %rdi ; rolq $$51, %rdi\n\t";
        assert!(does_nothing(&format!("{preamble}xchgq %rbx,%rbx")));
        // A call of what lies in rax, without redirection.
        assert!(!does_nothing(&format!("{preamble}xchgq %rdx,%rdx\n\tcall *%rax")));
        assert!(!does_nothing("rolq $$3, %rdi") && !does_nothing("rolq $$3, %rdi; rolq $$61, %rsi"));
        assert!(!does_nothing("xchgq %rbx, %rcx") && !does_nothing("xchgq %rbx, (%rcx)") && !does_nothing("xchgq $0, $1"));
    }

    #[test]
    fn whatever_may_touch_memory() {
        for (text, constraints) in [
            ("movq ($1), $0", "=r,r"),
            ("movq ${1:a}, $0", "=r,r"),
            ("addq $1, $0", "=*m,r"),
            ("rep movsb", "={di},={si},={cx},0,1,2"),
            ("movsb", "={di},={si},0,1"),
            ("pushq $0", "r"),
            ("call *$0", "r"),
            ("cpuid", "={ax},={bx},={cx},={dx},0"),
            ("lock addq $1, $0", "=*m,r"),
            ("1: decq $0\n jnz 1b", "=r,0"),
        ] {
            assert!(!only_computes(text, constraints), "{text}");
        }
    }
}
