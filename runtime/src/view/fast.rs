//! The fast paths of loads that may race, in assembly: everything but the result and r11 is kept (LLVM's `preserve_most`), so that the
//! code around a load does not pay for it.

use super::{apart, apart_counted, appended, located, located_counted, slow};
use crate::state::{Thread, __itarget_ctl};
use crate::variables::{self, Variables};
use core::mem::offset_of;
use itarget_abi::control::Control;
use itarget_abi::layout;
use itarget_abi::view::{self, BYTES};

// A function that others call by that name.
macro_rules! begin {
    ($name:literal) => {
        concat!(
            ".pushsection .text.", $name, ",\"ax\",@progbits\n.p2align 5\n.globl ", $name, "\n.type ", $name, ",@function\n", $name, ":\n.cfi_startproc"
        )
    };
}

macro_rules! end {
    ($name:literal) => {
        concat!(".cfi_endproc\n.size ", $name, ", .-", $name, "\n.popsection")
    };
}

// Calls what rax has with the arguments and with what r11 has, and returns its result; rcx lies on the stack already.
macro_rules! through {
    ($size:literal) => {
        concat!(
            "push rdx\n.cfi_adjust_cfa_offset 8\n",
            "push rsi\n.cfi_adjust_cfa_offset 8\n",
            "push rdi\n.cfi_adjust_cfa_offset 8\n",
            "push r8\n.cfi_adjust_cfa_offset 8\n",
            "push r9\n.cfi_adjust_cfa_offset 8\n",
            "push r10\n.cfi_adjust_cfa_offset 8\n",
            "mov edx, ",
            $size,
            "\nmov rcx, r11\n",
            "call rax\n",
            "pop r10\n.cfi_adjust_cfa_offset -8\n",
            "pop r9\n.cfi_adjust_cfa_offset -8\n",
            "pop r8\n.cfi_adjust_cfa_offset -8\n",
            "pop rdi\n.cfi_adjust_cfa_offset -8\n",
            "pop rsi\n.cfi_adjust_cfa_offset -8\n",
            "pop rdx\n.cfi_adjust_cfa_offset -8\n",
            "pop rcx\n.cfi_adjust_cfa_offset -8\n",
            "ret",
        )
    };
}

// The same where rcx is not on the stack yet, of an operand.
macro_rules! leave {
    ($to:literal, $size:literal) => {
        concat!("lea rax, [rip + {", $to, "}]\npush rcx\n.cfi_adjust_cfa_offset 8\n", through!($size))
    };
}

// A load of each size, which is counted by what `$count` is (below 0: not as a hit of the open run), and memory as the view has it.
macro_rules! counted {
    ($name:literal, $size:literal, $load:literal, $compare:literal, $count:literal $($operand:tt)*) => {
        core::arch::global_asm!(
            begin!($name),
            $count,
            "js 3f",
            "push rcx",
            ".cfi_adjust_cfa_offset 8",
            "mov ecx, edi",
            "and ecx, {mask}",
            "add rcx, qword ptr fs:[__itarget_view@tpoff]",
            $load,
            $compare,
            "jne 2f",
            "mov rax, r11",
            "pop rcx",
            ".cfi_adjust_cfa_offset -8",
            "ret",
            // Not as the view has it: the value goes along, for memory may be different a moment later.
            "2:",
            ".cfi_adjust_cfa_offset 8",
            "lea rax, [rip + {miss}]",
            "jmp 4f",
            "3:",
            ".cfi_adjust_cfa_offset -8",
            "lea rax, [rip + {slow}]",
            "push rcx",
            ".cfi_adjust_cfa_offset 8",
            "4:",
            through!($size),
            end!($name),
            mask = const BYTES - 1,
            miss = sym appended,
            slow = sym slow,
            $($operand)*
        );
    };
}

// One that is counted here, and one of a group, which is.
macro_rules! race {
    ($name:literal, $missed:literal, $size:literal, $load:literal, $compare:literal) => {
        counted!($name, $size, $load, $compare, "mov rax, qword ptr fs:[__itarget_hits@tpoff]\ndec qword ptr [rax]");
        counted!(
            $missed, $size, $load, $compare,
            "mov r11, qword ptr fs:[__itarget_hits@tpoff]\nmov eax, esi\nshr eax, {rest}\nand eax, {group}\nadd rax, qword ptr [r11]"
            rest = const view::REST_SHIFT, group = const view::GROUP - 1,
        );
    };
}

race!("__itarget_race1", "__itarget_race_missed1", "1", "movzx r11d, byte ptr [rdi]", "cmp byte ptr [rcx], r11b");
race!("__itarget_race2", "__itarget_race_missed2", "2", "movzx r11d, word ptr [rdi]", "cmp word ptr [rcx], r11w");
race!("__itarget_race4", "__itarget_race_missed4", "4", "mov r11d, dword ptr [rdi]", "cmp dword ptr [rcx], r11d");
race!("__itarget_race8", "__itarget_race_missed8", "8", "mov r11, qword ptr [rdi]", "cmp qword ptr [rcx], r11");

// The same of what is the environment's or not, by its address. The environment's heap is told apart here (that which threads may share by the bound as it is now), and what is wholly in its variables
// or wholly beside them, a few bytes at a time; `$low` goes to 5 for replay space and
// to 9 for the environment's. Where that is not clear, `$located` tells. `$plain` is for replay space.
macro_rules! located {
    ($name:literal, $size:literal, $load:literal, ($race:literal, $plain:literal, $located:ident), $low:expr, $($operand:tt)*) => {
        core::arch::global_asm!(
            begin!($name),
            "mov rax, rdi",
            "shr rax, {arena}",
            "cmp eax, {heap}",
            concat!("je ", $race),
            "cmp eax, {shared}",
            "je 12f",
            $low,
            leave!("located", $size),
            "5:",
            $plain,
            $load,
            "ret",
            "12:",
            "cmp rdi, qword ptr [rip + {control} + {above}]",
            "jb 5b",
            "9:",
            concat!("jmp ", $race),
            end!($name),
            arena = const ARENA,
            heap = const layout::ENV_BASE >> ARENA,
            shared = const layout::SHARED_BASE >> ARENA,
            control = sym __itarget_ctl,
            above = const offset_of!(Control, bound),
            located = sym $located,
            $($operand)*
        );
    };
}

// Variables. What is not aligned may be in two of them, and a long word has two bits.
macro_rules! low {
    ($stack:literal, $aligned:literal, $rest:literal) => {
        concat!(
            $stack,
            "mov rax, rdi\n",
            "sub rax, qword ptr [rip + {variables} + {from}]\n",
            "cmp rax, qword ptr [rip + {variables} + {span}]\n",
            "jae 6f\n",
            $aligned,
            "shr rax, {grain}\n",
            "mov r11, qword ptr [rip + {variables} + {any}]\n",
            "bt qword ptr [r11], rax\n",
            $rest,
            "8:\n",
            "mov r11, qword ptr [rip + {variables} + {all}]\n",
            "bt qword ptr [r11], rax\n",
            "jc 9f\n",
            "jmp 7f\n",
            "6:\n",
            "mov rax, rdi\n",
            "shr rax, {bound}\n",
            "jz 5f\n",
            "7:",
        )
    };
}

macro_rules! at {
    ($name:literal, $size:literal, $load:literal, $how:tt, $aligned:literal, $rest:literal, $stack:literal $($operand:tt)*) => {
        located!(
            $name, $size, $load, $how, low!($stack, $aligned, $rest),
            bound = const layout::BOUND_SHIFT,
            grain = const variables::GRAIN,
            variables = sym variables::VARIABLES,
            from = const offset_of!(Variables, from),
            span = const offset_of!(Variables, span),
            any = const offset_of!(Variables, any),
            all = const offset_of!(Variables, all),
            $($operand)*
        );
    };
}

// Variables and stacks.
macro_rules! st {
    ($name:literal, $size:literal, $load:literal, $how:tt, $aligned:literal, $rest:literal) => {
        at!(
            $name, $size, $load, $how, $aligned, $rest, "sub eax, {stacks}\ncmp eax, {beyond}\njb 9f\n"
            stacks = const layout::STACK_BASE >> ARENA,
            beyond = const STACKS,
        );
    };
}

// What may be in frames of the library's: there are some on stacks while it calls back.
macro_rules! framed {
    ($name:literal, $at:literal, $st:literal) => {
        core::arch::global_asm!(
            begin!($name),
            "mov r11, qword ptr fs:[itarget_self@tpoff]",
            "cmp qword ptr [r11 + {depth}], 0",
            concat!("je ", $at),
            concat!("jmp ", $st),
            end!($name),
            depth = const offset_of!(Thread, depth),
        );
    };
}

/// Bytes of an arena, as a shift: addresses are told apart by what is left of them.
const ARENA: u32 = layout::ARENA_SIZE.trailing_zeros();
/// Arenas' worth of addresses of all stacks.
const STACKS: u64 = (layout::THREAD_STACKS + layout::THREADS_MAX * layout::THREAD_STRIDE - layout::STACK_BASE) >> ARENA;

// Of an address nothing is looked at but what this shift leaves.
const _: () = {
    assert!(layout::ENV_BASE % layout::ARENA_SIZE == 0 && layout::SHARED_BASE % layout::ARENA_SIZE == 0 && layout::STACK_BASE % layout::ARENA_SIZE == 0);
    assert!((layout::THREAD_STACKS + layout::THREADS_MAX * layout::THREAD_STRIDE) % layout::ARENA_SIZE == 0);
};

// The same of what may lie elsewhere at replay: the view does not have that, see `layout::mapped_at_replay`.
macro_rules! mapped {
    ($name:literal, $size:literal, $race:literal, $apart:ident) => {
        core::arch::global_asm!(
            begin!($name),
            "mov rax, rdi",
            "shr rax, {arena}",
            "cmp eax, {mixed}",
            concat!("jbe ", $race),
            "cmp eax, {heap}",
            concat!("je ", $race),
            leave!("apart", $size),
            end!($name),
            arena = const ARENA,
            mixed = const layout::MIXED_BASE >> ARENA,
            heap = const layout::ENV_BASE >> ARENA,
            apart = sym $apart,
        );
    };
}

// All is logged once the process is not alone, and told apart by the address before.
macro_rules! alone {
    ($name:literal, $size:literal, $race:literal) => {
        core::arch::global_asm!(
            begin!($name),
            "cmp qword ptr [rip + {control} + {accompanied}], 0",
            concat!("jne ", $race),
            leave!("located", $size),
            end!($name),
            control = sym __itarget_ctl,
            accompanied = const offset_of!(Control, accompanied),
            located = sym located,
        );
    };
}

macro_rules! sizes {
    ($($size:literal, $load:literal, $race:literal, $at:literal, $st:literal, $fr:literal, $ck:literal, $alone:literal, $mapped:literal, $mapped_alone:literal,
        $missed:literal, $at_missed:literal, $st_missed:literal, $fr_missed:literal, $mapped_missed:literal, $aligned:literal, $rest:literal;)*) => {
        $(
            at!($at, $size, $load, ($race, "", located), $aligned, $rest, "");
            st!($st, $size, $load, ($race, "", located), $aligned, $rest);
            framed!($fr, $at, $st);
            // One of a group was counted already, and does not count where it does not race.
            at!($at_missed, $size, $load, ($missed, "mov rax, qword ptr fs:[__itarget_hits@tpoff]\ninc qword ptr [rax]", located_counted), $aligned, $rest, "");
            st!($st_missed, $size, $load, ($missed, "mov rax, qword ptr fs:[__itarget_hits@tpoff]\ninc qword ptr [rax]", located_counted), $aligned, $rest);
            framed!($fr_missed, $at_missed, $st_missed);
            // Above the bound, as the caller has seen.
            located!($ck, $size, $load, ($race, "", located), "",);
            mapped!($mapped, $size, $race, apart);
            mapped!($mapped_missed, $size, $missed, apart_counted);
            alone!($alone, $size, $race);
            alone!($mapped_alone, $size, $mapped);
        )*
    };
}

sizes! {
    "1", "movzx eax, byte ptr [rdi]", "__itarget_race1", "__itarget_race_at1", "__itarget_race_st1", "__itarget_race_fr1", "__itarget_race_ck1", "__itarget_race_alone1", "__itarget_race_mapped1", "__itarget_race_mapped_alone1",
        "__itarget_race_missed1", "__itarget_race_at_missed1", "__itarget_race_st_missed1", "__itarget_race_fr_missed1", "__itarget_race_mapped_missed1",
        "", "jnc 5f\n";
    "2", "movzx eax, word ptr [rdi]", "__itarget_race2", "__itarget_race_at2", "__itarget_race_st2", "__itarget_race_fr2", "__itarget_race_ck2", "__itarget_race_alone2", "__itarget_race_mapped2", "__itarget_race_mapped_alone2",
        "__itarget_race_missed2", "__itarget_race_at_missed2", "__itarget_race_st_missed2", "__itarget_race_fr_missed2", "__itarget_race_mapped_missed2",
        "test dil, 1\njnz 7f\n", "jnc 5f\n";
    "4", "mov eax, dword ptr [rdi]", "__itarget_race4", "__itarget_race_at4", "__itarget_race_st4", "__itarget_race_fr4", "__itarget_race_ck4", "__itarget_race_alone4", "__itarget_race_mapped4", "__itarget_race_mapped_alone4",
        "__itarget_race_missed4", "__itarget_race_at_missed4", "__itarget_race_st_missed4", "__itarget_race_fr_missed4", "__itarget_race_mapped_missed4",
        "test dil, 3\njnz 7f\n", "jnc 5f\n";
    "8", "mov rax, qword ptr [rdi]", "__itarget_race8", "__itarget_race_at8", "__itarget_race_st8", "__itarget_race_fr8", "__itarget_race_ck8", "__itarget_race_alone8", "__itarget_race_mapped8", "__itarget_race_mapped_alone8",
        "__itarget_race_missed8", "__itarget_race_at_missed8", "__itarget_race_st_missed8", "__itarget_race_fr_missed8", "__itarget_race_mapped_missed8",
        "test dil, 7\njnz 7f\n", "jc 8f\ninc rax\nbt qword ptr [r11], rax\njc 7f\njmp 5f\n";
}
