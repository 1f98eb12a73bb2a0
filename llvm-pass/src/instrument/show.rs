//! Calls that print on stdout or stderr. At replay they print again: from replay space, or, where
//! the text may be memory of the environment, from the log.
//!
//! ```text
//! real    = this process's stdout or stderr, if the call goes there
//! capture = real && (the plan says so || some pointer argument leads to foreign memory)
//! record: capture ? f(args with a memory stream); log what it took : f(args)
//! replay: capture ? print from the log : real ? f(args with real) : nothing
//! ```

use super::Cx;
use super::call::Wrapper;
use crate::ir::Value;
use itarget_plan::{Call, Show};
use llvm_sys::{LLVMIntPredicate, LLVMOpcode, LLVMTypeKind};

/// Functions that print on stdout, and what prints the same on a stream given first.
const ON_A_STREAM: &[(&str, &str)] = &[
    ("printf", "fprintf"),
    ("__printf_chk", "__fprintf_chk"),
    ("vprintf", "vfprintf"),
    ("__vprintf_chk", "__vfprintf_chk"),
];

/// Functions that print on a descriptor, and what prints the same on a stream.
const ON_A_DESCRIPTOR: &[(&str, &str)] = &[
    ("dprintf", "fprintf"),
    ("__dprintf_chk", "__fprintf_chk"),
    ("vdprintf", "vfprintf"),
    ("__vdprintf_chk", "__vfprintf_chk"),
];

/// Functions that print the name of the program.
const SAYS_NAME: &[&str] = &["error", "error_at_line", "warn", "warnx", "vwarn", "vwarnx", "err", "errx", "verr", "verrx"];

/// Functions that print the text of `errno`, and their formats.
const SAYS_ERRNO: &[(&str, Option<usize>)] = &[
    ("perror", None),
    ("warn", None),
    ("vwarn", None),
    ("warnx", Some(0)),
    ("vwarnx", Some(0)),
    ("err", None),
    ("verr", None),
    ("errx", Some(1)),
    ("verrx", Some(1)),
    ("error", Some(2)),
    ("error_at_line", Some(4)),
    ("printf", Some(0)),
    ("__printf_chk", Some(1)),
    ("fprintf", Some(1)),
    ("__fprintf_chk", Some(2)),
    ("dprintf", Some(1)),
    ("__dprintf_chk", Some(2)),
    ("vprintf", Some(0)),
    ("__vprintf_chk", Some(1)),
    ("vfprintf", Some(1)),
    ("__vfprintf_chk", Some(2)),
    ("vdprintf", Some(1)),
    ("__vdprintf_chk", Some(2)),
];

/// Functions on a stream that print nothing.
const CONTROLS: &[&str] =
    &["fclose", "fflush", "fflush_unlocked", "fseek", "fseeko", "fseeko64", "rewind", "setbuf", "setbuffer", "setlinebuf", "setvbuf"];

/// Functions that print and then leave with the status they are given first, and what prints the same and goes on: that function, without the
/// status, or (none) themselves, where the status is 0.
const LEAVES: &[(&str, Option<&str>)] = &[
    ("err", Some("warn")),
    ("errx", Some("warnx")),
    ("verr", Some("vwarn")),
    ("verrx", Some("vwarnx")),
    ("error", None),
    ("error_at_line", None),
];

/// Functions after which a descriptor may lead to another file: which argument it is; none: any may.
const REDIRECTS: &[(&str, Option<usize>)] = &[
    ("close", Some(0)),
    ("close_range", None),
    ("closefrom", None),
    ("dup2", Some(1)),
    ("dup3", Some(1)),
    ("freopen", None),
    ("freopen64", None),
];

/// Such functions as raw system calls.
const RAW: &[(i64, &str)] = &[
    (libc::SYS_close, "close"),
    (libc::SYS_close_range, "close_range"),
    (libc::SYS_dup, "dup"),
    (libc::SYS_dup2, "dup2"),
    (libc::SYS_dup3, "dup3"),
];

/// Where the output goes, as values of the wrapper.
pub(super) struct Shown {
    to: To,
    /// The function.
    callee: String,
    /// i1: stdout or stderr.
    standard: Value,
    /// i1: captured.
    capture: Value,
}

enum To {
    /// A stream argument; the stream of this process.
    Stream(usize, Value),
    /// A descriptor argument; the descriptor or -1.
    Fd(Value),
    /// A descriptor argument, and buffers by an array (`writev`); the descriptor or -1.
    Vector(Value),
    /// stdout, by a function that can be given a stream instead.
    Stdout(&'static str, Value),
    /// `puts`.
    Line(Value),
    /// A stream argument of a function that prints nothing; the stream of this process.
    Control(usize, Value),
    /// A function that prints on stderr by libc's variable (`error`); the stream of this process.
    Errors(Value),
    /// A function that prints on a descriptor argument, and what prints the same on a stream; the descriptor or -1.
    Text(&'static str, Value),
    /// Descriptor, if the function always prints there, and its stream or null. Can't be captured (`wprintf`): recording stops when it prints foreign memory.
    Plain(Option<u32>, Value),
}

impl Cx<'_> {
    /// Where the call prints; built once, before the ways of record and replay part.
    pub(super) fn shown(&self, w: &Wrapper, plan: &Call, show: Show) -> Option<Shown> {
        let ir = self.ir;
        let (to, standard) = match show {
            Show::Stream { arg } => {
                let stream = *w.args.get(arg as usize)?;
                let real = self.hook("__itarget_show_stream", &[stream]);
                let control = CONTROLS.contains(&&*plan.callee);
                let to = if control { To::Control(arg as usize, real) } else { To::Stream(arg as usize, real) };
                (to, ir.nonzero(real))
            }
            Show::Fd { arg } => {
                let fd = *w.args.get(arg as usize)?;
                let real = self.hook("__itarget_show_fd", &[ir.int_cast(fd, ir.i32, true)]);
                let to = match ON_A_DESCRIPTOR.iter().find(|(name, _)| *name == plan.callee) {
                    Some((_, other)) => To::Text(other, real),
                    None if plan.callee == "write" => To::Fd(real),
                    None if plan.callee == "writev" && w.args.len() > 2 => To::Vector(real),
                    None => To::Plain(None, ir.zero(ir.ptr)),
                };
                (to, ir.icmp(LLVMIntPredicate::LLVMIntSGE, real, ir.int(ir.i32, 0)))
            }
            Show::Standard { fd } => {
                let own = self.hook("__itarget_standard", &[ir.int(ir.i32, u64::from(fd))]);
                let other = ON_A_STREAM.iter().find(|(name, _)| *name == plan.callee);
                let to = match other {
                    Some((_, other)) => To::Stdout(other, own),
                    None if plan.callee == "puts" => To::Line(own),
                    None if fd == 2 && (plan.callee == "perror" || SAYS_NAME.contains(&&*plan.callee)) => To::Errors(own),
                    None => To::Plain(Some(fd), own),
                };
                (to, ir.nonzero(own))
            }
        };
        let stream = if let To::Stream(arg, _) | To::Control(arg, _) = to { Some(arg) } else { None };
        let mut foreign = ir.int(ir.i32, u64::from(plan.captured));
        for (i, &a) in w.args.iter().enumerate() {
            if Some(i) != stream && ir.kind(ir.type_of(a)) == LLVMTypeKind::LLVMPointerTypeKind {
                let other = match self.printed_bytes(&plan.callee, &w.args) {
                    _ if matches!(to, To::Vector(_)) => self.hook("__itarget_foreign_vector", &[a, ir.int_cast(w.args[2], ir.i64, true)]),
                    Some(n) => self.hook("__itarget_foreign_bytes", &[a, n]),
                    None => self.hook("__itarget_foreign", &[a]),
                };
                foreign = ir.or(foreign, other);
            }
        }
        if self.local_numbers(w, &plan.callee) {
            foreign = ir.or(foreign, self.hook("__itarget_local_numbers", &[]));
        }
        let control = matches!(to, To::Control(..));
        let capture = if control { ir.int(ir.i1, 0) } else { ir.and(standard, ir.nonzero(foreign)) };
        Some(Shown { to, callee: plan.callee.clone(), standard, capture })
    }

    /// Whether the call may print numbers as the locale has them.
    fn local_numbers(&self, w: &Wrapper, callee: &str) -> bool {
        let Some((_, Some(arg))) = SAYS_ERRNO.iter().find(|(name, _)| *name == callee) else { return false };
        *arg < w.args.len() && self.ir.const_cstr(self.original_arg(w, *arg as u32)).is_none_or(|text| itarget_abi::format::prints_local_numbers(&text))
    }

    /// Bytes that a call prints which says so; others print texts.
    fn printed_bytes(&self, callee: &str, args: &[Value]) -> Option<Value> {
        let ir = self.ir;
        match (callee, args) {
            ("fwrite" | "fwrite_unlocked", [_, size, count, ..]) => Some(ir.mul(ir.int_cast(*size, ir.i64, false), ir.int_cast(*count, ir.i64, false))),
            ("write", [_, _, count, ..]) => Some(ir.int_cast(*count, ir.i64, false)),
            _ => None,
        }
    }

    /// After a call that may have redirected stdout or stderr: what is printed there is not shown any more. `result` is what it returned, if that is
    /// logged; a duplicate is shown as the original is.
    pub(super) fn descriptors(&self, w: &Wrapper, callee: &str, result: Option<Value>) {
        let ir = self.ir;
        let fd = |v: Value| ir.int_cast(v, ir.i32, true);
        let number = (callee == "syscall" && !w.args.is_empty()).then(|| ir.const_int(self.original_arg(w, 0))).flatten();
        let raw = RAW.iter().find(|r| Some(r.0) == number);
        let (callee, args) = raw.map_or((callee, &w.args[..]), |r| (r.1, &w.args[1..]));
        if callee == "fclose"
            && let Some(stream) = args.first()
        {
            self.hook("__itarget_closed", &[*stream]);
        }
        if let Some((_, arg)) = REDIRECTS.iter().find(|(name, _)| *name == callee) {
            let led = match arg {
                None => Some(ir.int(ir.i32, u64::from(u32::MAX))),
                Some(arg) => args.get(*arg).map(|v| fd(*v)),
            };
            if let Some(led) = led {
                self.hook("__itarget_descriptor", &[led]);
            }
        }
        let duplicate = match (callee, args, result) {
            ("dup", [old], Some(new)) => Some((*old, fd(new))),
            ("dup2", [old, new], _) | ("dup3", [old, new, _], _) => Some((*old, fd(*new))),
            ("fcntl" | "fcntl64", [old, command, ..], Some(new)) => {
                let is = |wanted: i32| ir.icmp(LLVMIntPredicate::LLVMIntEQ, fd(*command), ir.int(ir.i32, wanted as u64));
                let constant = ir.const_int(self.original_arg(w, 1));
                let other = constant.is_some_and(|c| ![libc::F_DUPFD, libc::F_DUPFD_CLOEXEC].contains(&(c as i32)));
                let none = ir.int(ir.i32, u64::from(u32::MAX));
                (!other).then(|| (*old, ir.select(ir.or(is(libc::F_DUPFD), is(libc::F_DUPFD_CLOEXEC)), fd(new), none)))
            }
            _ => None,
        };
        if let Some((old, new)) = duplicate {
            self.hook("__itarget_duplicate", &[fd(old), new]);
        } else if callee == "dup" {
            // Which one it got nobody knows.
            (1..=2).for_each(|own| _ = self.hook("__itarget_descriptor", &[ir.int(ir.i32, own)]));
        }
    }

    /// Whether that name is the library's: programs have functions with such names, too.
    fn is_the_librarys(&self, name: &str) -> bool {
        self.ir.function(name).is_none_or(|f| self.ir.is_declaration(f))
    }

    /// The call, with these arguments; where it leaves the process, only what it prints.
    fn print(&self, w: &Wrapper, callee: &str, args: &[Value]) -> Value {
        let ir = self.ir;
        match LEAVES.iter().find(|(name, _)| *name == callee) {
            Some((_, Some(other))) if !self.is_the_librarys(other) => {
                self.hook("__itarget_not_captured", &[]);
                self.perform_as_is(w, args)
            }
            Some((_, Some(other))) if args.len() > 1 => {
                let ty = ir.call_type(w.call());
                let params: Vec<_> = ir.param_types(ty).into_iter().skip(1).collect();
                let ty = ir.fn_type(ir.void, &params, ir.is_vararg(ty));
                let r = ir.call(ir.declare(other, ty), ty, &args[1..]);
                ir.never_another(r);
                r
            }
            Some((_, None)) if !args.is_empty() => {
                let mut args = args.to_vec();
                args[0] = ir.zero(ir.type_of(args[0]));
                self.perform_as_is(w, &args)
            }
            _ => self.perform_as_is(w, args),
        }
    }

    /// After a call: leaves, if the call does.
    pub(super) fn leaves(&self, w: &Wrapper, callee: &str) {
        let ir = self.ir;
        let Some((_, other)) = LEAVES.iter().find(|(name, _)| *name == callee) else { return };
        let Some(&status) = w.args.first() else { return };
        let from = ir.here();
        let (exit, stay) = (self.block(w, "exit"), self.block(w, "stay"));
        ir.at_end(from);
        let always = ir.int(ir.i1, u64::from(other.is_some()));
        ir.cond_br(ir.or(always, ir.nonzero(status)), exit, stay);
        ir.at_end(exit);
        let ty = ir.fn_type(ir.void, &[ir.i32], false);
        ir.call(ir.declare("__itarget_exit", ty), ty, &[ir.int_cast(status, ir.i32, true)]);
        ir.br(stay);
        ir.at_end(stay);
    }

    /// Calls of functions that leave which are no sites of the plan: what runs at exit is the runtime's to run, there too.
    pub(super) fn leaving(&self) {
        let ir = self.ir;
        let exit_ty = ir.fn_type(ir.void, &[ir.i32], false);
        for f in ir.functions().into_iter().filter(|f| !ir.name(*f).starts_with("itarget.")) {
            for call in ir.instructions(f) {
                let callee = (ir.opcode(call) == LLVMOpcode::LLVMCall).then(|| ir.called_function(call)).flatten();
                // The library's: programs have functions with these names, too.
                let callee = callee.filter(|c| ir.is_declaration(*c));
                let Some((_, other)) = callee.and_then(|c| LEAVES.iter().find(|(name, _)| *name == ir.name(c))) else { continue };
                let args = ir.args(call);
                let Some(&status) = args.first().filter(|status| ir.kind(ir.type_of(**status)) == LLVMTypeKind::LLVMIntegerTypeKind && ir.const_int(**status) != Some(0)) else { continue };
                match other {
                    Some(other) if !self.is_the_librarys(other) => continue,
                    Some(other) => {
                        ir.before(call);
                        let ty = ir.call_type(call);
                        let params: Vec<_> = ir.param_types(ty).into_iter().skip(1).collect();
                        let ty = ir.fn_type(ir.void, &params, ir.is_vararg(ty));
                        ir.call(ir.declare(other, ty), ty, &args[1..]);
                    }
                    None => {
                        ir.before(call);
                        let end = ir.if_then(ir.nonzero(status), call, true);
                        ir.before(end);
                        let only_prints = ir.copy(call);
                        ir.set_operand(only_prints, 0, ir.zero(ir.type_of(status)));
                    }
                }
                ir.call(ir.declare("__itarget_exit", exit_ty), exit_ty, &[ir.int_cast(status, ir.i32, true)]);
            }
        }
    }

    /// The call while recording, its result in `slot`.
    pub(super) fn perform_shown(&self, w: &Wrapper, shown: &Shown, slot: Option<Value>) {
        let ir = self.ir;
        let mut given = w.args.clone();
        if let Some(size) = self.buffer_size(&shown.callee, &w.args) {
            given[1] = self.hook("__itarget_own_buffer", &[given[1], size]);
        }
        let printing = self.printing(shown);
        if let Some((on, stream)) = printing {
            self.hook("__itarget_output_begin", &[on, stream]);
        }
        self.implicit(w, &shown.callee);
        let from = ir.here();
        let captured = self.block(w, "capture");
        let plain = self.block(w, "print");
        let done = self.block(w, "printed");
        let keep = |r: Value| {
            if let Some(slot) = slot {
                ir.store(r, slot);
            }
            r
        };
        ir.at_end(from);
        ir.cond_br(shown.capture, captured, plain);
        ir.at_end(plain);
        keep(self.print(w, &shown.callee, &given));
        ir.br(done);
        ir.at_end(captured);
        match &shown.to {
            To::Stream(arg, real) => {
                let memory = self.hook("__itarget_capture", &[*real]);
                let mut args = w.args.clone();
                args[*arg] = memory;
                keep(self.perform_as_is(w, &args));
                self.hook("__itarget_captured", &[memory, *real]);
            }
            To::Stdout(other, real) => {
                let memory = self.hook("__itarget_capture", &[*real]);
                let ty = ir.call_type(w.call());
                let mut params = vec![ir.ptr];
                params.extend(ir.param_types(ty));
                let ty = ir.fn_type(ir.return_type(ty), &params, ir.is_vararg(ty));
                let f = ir.declare(other, ty);
                let mut args = vec![memory];
                args.extend(&w.args);
                let r = ir.call(f, ty, &args);
                ir.never_another(r);
                keep(r);
                self.hook("__itarget_captured", &[memory, *real]);
            }
            To::Line(real) => {
                // `puts` adds a newline.
                let memory = self.hook("__itarget_capture", &[*real]);
                let ty = ir.fn_type(ir.i32, &[ir.ptr, ir.ptr], false);
                let fputs = ir.declare("fputs", ty);
                let text = w.args.first().copied().unwrap_or_else(|| ir.zero(ir.ptr));
                ir.never_another(ir.call(fputs, ty, &[text, memory]));
                let ty = ir.fn_type(ir.i32, &[ir.i32, ir.ptr], false);
                ir.never_another(ir.call(ir.declare("fputc", ty), ty, &[ir.int(ir.i32, 10), memory]));
                // glibc's `puts` returns what it printed, in bytes.
                let n = self.hook("__itarget_captured", &[memory, *real]);
                keep(ir.int_cast(n, w.ret, true));
            }
            To::Fd(_) => {
                let r = keep(self.perform_as_is(w, &w.args));
                let n = ir.int_cast(r, ir.i64, true);
                if let Some(&text) = w.args.get(1) {
                    self.hook("__itarget_printed", &[text, n]);
                }
            }
            To::Vector(_) => {
                let r = keep(self.perform_as_is(w, &w.args));
                self.hook("__itarget_printed_vector", &[w.args[1], ir.int_cast(r, ir.i64, true)]);
            }
            To::Errors(_) => {
                let memory = self.hook("__itarget_capture_errors", &[]);
                keep(self.print(w, &shown.callee, &w.args));
                self.hook("__itarget_captured_errors", &[memory]);
            }
            To::Text(other, fd) => {
                let memory = self.hook("__itarget_capture", &[ir.zero(ir.ptr)]);
                let ty = ir.call_type(w.call());
                let mut params = ir.param_types(ty);
                let mut args = w.args.clone();
                if let (Some(first), Some(stream)) = (params.first_mut(), args.first_mut()) {
                    *first = ir.ptr;
                    *stream = memory;
                }
                let ty = ir.fn_type(ir.return_type(ty), &params, ir.is_vararg(ty));
                ir.never_another(ir.call(ir.declare(other, ty), ty, &args));
                let n = self.hook("__itarget_captured_fd", &[memory, *fd]);
                if w.ret != ir.void {
                    keep(ir.int_cast(n, w.ret, true));
                }
            }
            To::Plain(..) | To::Control(..) => {
                self.hook("__itarget_not_captured", &[]);
                keep(self.print(w, &shown.callee, &w.args));
            }
        }
        ir.br(done);
        ir.at_end(done);
        if let Some((on, _)) = printing {
            self.hook("__itarget_output_end", &[on]);
        }
    }

    /// Bytes of the buffer that a call hands to a stream as its second argument.
    fn buffer_size(&self, callee: &str, args: &[Value]) -> Option<Value> {
        let ir = self.ir;
        match (callee, args) {
            ("setvbuf", [_, _, _, size]) | ("setbuffer", [_, _, size]) => Some(ir.int_cast(*size, ir.i64, false)),
            ("setbuf", [_, _]) => Some(ir.int(ir.i64, u64::from(libc::BUFSIZ))),
            _ => None,
        }
    }

    /// At replay, a function that prints nothing and is not called for what it does to this process's stream.
    fn control(&self, callee: &str, args: &[Value]) -> bool {
        let ir = self.ir;
        let (stream, mode, size) = match (callee, args) {
            ("fclose", [stream]) => {
                self.hook("__itarget_shown_close", &[*stream]);
                return true;
            }
            ("setvbuf", [stream, _, mode, size]) => (*stream, ir.int_cast(*mode, ir.i32, true), ir.int_cast(*size, ir.i64, false)),
            ("setbuf" | "setbuffer", [stream, buffer, size @ ..]) => {
                let none = ir.icmp(LLVMIntPredicate::LLVMIntEQ, ir.ptr_to_int(*buffer), ir.int(ir.i64, 0));
                let mode = ir.select(none, ir.int(ir.i32, libc::_IONBF as u64), ir.int(ir.i32, libc::_IOFBF as u64));
                let size = size.first().map_or(ir.int(ir.i64, u64::from(libc::BUFSIZ)), |size| ir.int_cast(*size, ir.i64, false));
                (*stream, mode, size)
            }
            ("setlinebuf", [stream]) => (*stream, ir.int(ir.i32, libc::_IOLBF as u64), ir.int(ir.i64, 0)),
            _ => return false,
        };
        self.hook("__itarget_shown_buffer", &[stream, mode, size]);
        true
    }

    /// Before a call: what it prints beside what it is given, the text of `errno` and the name of the program.
    fn implicit(&self, w: &Wrapper, callee: &str) {
        let ir = self.ir;
        if SAYS_NAME.contains(&callee) {
            self.hook("__itarget_show_name", &[]);
        }
        let format = match SAYS_ERRNO.iter().find(|(name, _)| *name == callee) {
            None => return,
            Some((_, None)) => ir.zero(ir.ptr),
            Some((_, Some(arg))) => match w.args.get(*arg) {
                Some(&format) if ir.const_cstr(self.original_arg(w, *arg as u32)).is_none_or(|text| itarget_abi::format::names_errno(&text)) => format,
                _ => return,
            },
        };
        self.hook("__itarget_show_errno", &[format]);
    }

    /// Where there are threads, output is printed in the same order again: what the runtime is told of it (see `__itarget_output_begin`).
    fn printing(&self, shown: &Shown) -> Option<(Value, Value)> {
        if !self.threads() {
            return None;
        }
        let ir = self.ir;
        let standard = ir.int_cast(shown.standard, ir.i32, false);
        Some(match &shown.to {
            To::Stream(_, stream) | To::Control(_, stream) | To::Stdout(_, stream) | To::Line(stream) => (standard, *stream),
            To::Fd(_) | To::Vector(_) | To::Text(..) => (standard, ir.zero(ir.ptr)),
            // `error` prints on both.
            To::Errors(_) | To::Plain(Some(2), _) => (ir.select(shown.standard, ir.int(ir.i32, 2), ir.int(ir.i32, 0)), ir.zero(ir.ptr)),
            To::Plain(_, stream) => (standard, *stream),
        })
    }

    /// The call at replay.
    pub(super) fn show(&self, w: &Wrapper, shown: &Shown) {
        let ir = self.ir;
        let printing = self.printing(shown);
        if let Some((on, stream)) = printing {
            self.hook("__itarget_output_begin", &[on, stream]);
        }
        self.implicit(w, &shown.callee);
        let from = ir.here();
        let logged = self.block(w, "show.logged");
        let other = self.block(w, "show.other");
        let again = self.block(w, "show");
        let done = self.block(w, "shown");
        ir.at_end(from);
        ir.cond_br(shown.capture, logged, other);
        ir.at_end(logged);
        match &shown.to {
            To::Stream(_, real) | To::Stdout(_, real) | To::Line(real) | To::Errors(real) => {
                self.hook("__itarget_print", &[*real, ir.int(ir.i32, 0)]);
            }
            To::Fd(fd) | To::Vector(fd) | To::Text(_, fd) => {
                self.hook("__itarget_print", &[ir.zero(ir.ptr), *fd]);
            }
            To::Plain(..) | To::Control(..) => {
                self.hook("__itarget_not_captured", &[]);
            }
        }
        ir.br(done);
        ir.at_end(other);
        ir.cond_br(shown.standard, again, done);
        ir.at_end(again);
        let mut args = w.args.clone();
        if let To::Stream(arg, real) | To::Control(arg, real) = &shown.to {
            args[*arg] = *real;
        }
        if let To::Fd(real) | To::Vector(real) | To::Text(_, real) = &shown.to {
            args[0] = ir.int_cast(*real, ir.type_of(args[0]), true);
        }
        if !self.control(&shown.callee, &args) {
            self.print(w, &shown.callee, &args);
        }
        ir.br(done);
        ir.at_end(done);
        if let Some((on, _)) = printing {
            self.hook("__itarget_output_end", &[on]);
        }
    }
}
