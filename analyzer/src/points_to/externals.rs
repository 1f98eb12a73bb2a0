//! Annotated externals as constraints.

use super::{ObjectKind, Runs, Shape};
use super::build::Builder;
use super::proven::Only;
use super::solver::{NONE, Node, Slots, Use};
use crate::model::{Class, GepStep, Signature};
use itarget_annotations::{Callback, CallbackArg, Case, Function, Kind, Len, Place, PointerFlow, Region, Ret, Root};

/// What names of memory of the library end in that threads of the program have for themselves.
pub(super) const THREADS: &str = "@threads";

/// Bytes of a pointer.
pub(super) const WORD: u64 = 8;
/// Most bytes of a message that may hold pointers.
pub(super) const MESSAGE: u64 = 256;
/// Most entries of an array of `struct iovec` or `struct mmsghdr` that are looked at.
const ENTRIES: u64 = 8;
/// Bytes of a `struct iovec` and a `struct mmsghdr`, and where a `struct msghdr` has its array of the former.
const IOVEC: u64 = 16;
const MMSGHDR: u64 = 64;
const HEADER_IOVEC: u64 = 16;

/// Another element of the array that a pointer is in.
const ELEMENT: &[GepStep] = &[GepStep::Pointer { stride: 0 }];

impl Builder<'_> {
    /// Constraints for a call of an annotated external.
    pub(super) fn annotated(&mut self, call: u32, f: &Function) {
        if f.kind == Kind::Refuse && !self.options.outside {
            return; // a recording ends there
        }
        let constants = self.calls[call as usize].constants.clone();
        let chosen = f.cases.iter().find(|case| {
            let value = constants.get(usize::from(case.arg)).copied().flatten();
            value.is_some_and(|value| case.values.contains(&value))
        });
        let known = f.cases.iter().all(|case| constants.get(usize::from(case.arg)).copied().flatten().is_some());
        match chosen {
            Some(case) => self.variant(call, f, Some(case)),
            None => {
                self.variant(call, f, None);
                if !known {
                    f.cases.iter().for_each(|case| self.variant(call, f, Some(case)));
                }
            }
        }
        for callback in &f.callbacks {
            self.callback(call, f, callback);
        }
    }

    fn variant(&mut self, call: u32, f: &Function, case: Option<&Case>) {
        // Recording stops before such a call, so nothing that it does is ever recorded.
        if case.and_then(|c| c.kind).unwrap_or(f.kind) == Kind::Refuse && !self.options.outside {
            return;
        }
        self.result(call, f, case.and_then(|c| c.ret).unwrap_or(f.ret));
        if f.kind == Kind::Env {
            self.messages(call, f);
        }
        let flows = case.and_then(|c| c.pointers.as_ref()).or(f.pointers.as_ref());
        for flow in flows.into_iter().flatten() {
            self.flow(call, f, flow);
        }
        for kept in case.and_then(|c| c.retains.as_ref()).unwrap_or(&f.retains) {
            let (node, retained) = (self.call_arg(call, kept.arg), self.retained);
            self.solver.edge(node, retained);
        }
    }

    /// What a call sends or gets as a message of a few words may hold pointers: threads hand blocks to each other through pipes so. What is
    /// sent anywhere may arrive anywhere. Where the length is not known before (reads in a loop, `iovec`), a message is what lies in
    /// objects that are no longer than one.
    fn messages(&mut self, call: u32, f: &Function) {
        let (sent, got) = (self.message_parts(call, &f.reads), self.message_parts(call, &f.writes));
        if sent.is_empty() && got.is_empty() {
            return;
        }
        let sea = self.named_object("static:messages", ObjectKind::Copy);
        let sea = self.solver.loc(sea, 0);
        let channel = self.solver.node();
        self.solver.add(channel, sea);
        for (from, len) in sent {
            self.solver.memcopy(channel, from, len);
        }
        for (to, len) in got {
            self.solver.memcopy(to, channel, len);
        }
    }

    /// Where the parts of a message are, and their lengths.
    fn message_parts(&mut self, call: u32, regions: &[Region]) -> Vec<(Node, Option<u64>)> {
        let mut parts = Vec::new();
        for region in regions {
            let arg = self.call_arg(call, region.arg);
            let bases = match region.len {
                Len::Iovec { count, .. } => self.bases(call, arg, Some(count)),
                Len::Msghdr { .. } => self.bases_of(call, arg, 1),
                Len::Mmsghdr { .. } => self.bases_of(call, arg, ENTRIES),
                ref len if of_arguments(len) => match message_length(len, &self.calls[call as usize].constants) {
                    Some(len) => {
                        parts.extend((WORD..=MESSAGE).contains(&len).then_some((arg, Some(len))));
                        continue;
                    }
                    None => arg,
                },
                _ => continue,
            };
            if bases != NONE {
                let small = self.solver.filtered(bases, Only::Message);
                let anywhere = self.solver.anywhere_of(small);
                parts.push((anywhere, None));
            }
        }
        parts
    }

    /// What the buffers of the first so many messages in an array lead to.
    fn bases_of(&mut self, call: u32, messages: Node, count: u64) -> Node {
        if messages == NONE {
            return NONE;
        }
        let bases = self.solver.node();
        for message in 0..count {
            let header = self.at(messages, Some(MMSGHDR * message + HEADER_IOVEC));
            let array = self.load(header);
            let of = self.bases(call, array, None);
            self.solver.edge(of, bases);
        }
        bases
    }

    /// What the first entries of an array of `struct iovec` lead to. Those that are not told apart are the first.
    fn bases(&mut self, call: u32, array: Node, count: Option<u8>) -> Node {
        if array == NONE {
            return NONE;
        }
        let count = count.and_then(|arg| self.calls[call as usize].constants.get(usize::from(arg)).copied().flatten());
        let count = count.and_then(|count| u64::try_from(count).ok()).map_or(ENTRIES, |count| count.min(ENTRIES));
        let bases = self.solver.node();
        for entry in 0..count {
            let at = self.at(array, Some(IOVEC * entry));
            let base = self.load(at);
            self.solver.edge(base, bases);
        }
        bases
    }

    fn result(&mut self, call: u32, f: &Function, ret: Ret) {
        let node = self.call_ret(call);
        if node == NONE {
            return;
        }
        match ret {
            Ret::Void | Ret::Int | Ret::NoReturn => {}
            Ret::Arg(arg) => {
                let arg = self.call_arg(call, arg);
                self.solver.edge(arg, node);
            }
            Ret::Into(arg) => {
                let arg = self.call_arg(call, arg);
                let inside = self.solver.stepped(arg, ELEMENT);
                self.solver.edge(inside, node);
            }
            Ret::Alloc | Ret::AllocCStr => {
                let loc = self.heap_object(call, 0);
                self.solver.add(node, loc);
            }
            Ret::External => {
                let object = self.named_object(&format!("ext:{}", f.name), ObjectKind::External);
                let loc = self.solver.loc(object, 0);
                self.solver.add(node, loc);
            }
            Ret::CopyCStr | Ret::Copy(_) => {
                let object = self.named_object(&format!("copy:{}", f.name), ObjectKind::Copy);
                if ret == Ret::CopyCStr && self.module.typed {
                    self.solver.objects[object as usize].shape.get_or_insert_with(|| Shape::text(self.module));
                }
                if let Ret::Copy(size) = ret {
                    self.solver.objects[object as usize].size = Some(size);
                    // Pointers inside the copy stay external.
                    let behind = self.named_object(&format!("ext:{}", f.name), ObjectKind::External);
                    let loc = self.solver.loc(behind, 0);
                    let contents = self.solver.contents(object, 0);
                    self.solver.add(contents, loc);
                }
                let loc = self.solver.loc(object, 0);
                self.solver.add(node, loc);
            }
        }
    }

    fn flow(&mut self, call: u32, f: &Function, flow: &PointerFlow) {
        let (dst, src) = (&flow.dst, &flow.src);
        let moves_on = dst == src && src.offset.is_some();
        if dst.derefs > 0 && src.derefs > 0 && dst.offset.is_none() && src.offset.is_none() {
            // Object to object, same offsets.
            let to = self.pointer(call, f, dst, dst.derefs - 1);
            let mut from = self.pointer(call, f, src, src.derefs - 1);
            // What is freed so was allocated.
            if src.derefs == 1 && f.frees.is_some_and(|arg| src.root == Root::Arg(arg)) && from != NONE {
                from = self.solver.filtered(from, Only::Allocated);
            }
            self.solver.memcopy(to, from, None);
            return;
        }
        let mut source = self.place(call, f, src);
        if source == NONE {
            return;
        }
        if moves_on {
            source = self.solver.stepped(source, ELEMENT);
        }
        if dst.derefs == 0 {
            let to = self.root(call, f, &dst.root);
            self.solver.edge(source, to);
            return;
        }
        let to = self.pointer(call, f, dst, dst.derefs - 1);
        let to = self.at(to, dst.offset);
        self.solver.attach(to, Use::Store { source, slots: Slots::ONE });
    }

    /// The node of the value at a place.
    fn place(&mut self, call: u32, f: &Function, place: &Place) -> Node {
        if place.derefs == 0 {
            let root = self.root(call, f, &place.root);
            if !matches!(place.root, Root::Arg(_)) || place.offset.is_some() {
                return root;
            }
            let moved = self.solver.stepped(root, ELEMENT);
            if moved != NONE {
                // Code is not moved, but handed on as well.
                self.solver.edge(root, moved);
            }
            return moved;
        }
        let pointer = self.pointer(call, f, place, place.derefs - 1);
        let pointer = self.at(pointer, place.offset);
        self.load(pointer)
    }

    /// The root of a place, dereferenced that often at its start.
    fn pointer(&mut self, call: u32, f: &Function, place: &Place, derefs: u8) -> Node {
        let mut node = self.root(call, f, &place.root);
        for _ in 0..derefs {
            node = self.load(node);
        }
        node
    }

    fn load(&mut self, pointer: Node) -> Node {
        if pointer == NONE {
            return NONE;
        }
        let target = self.solver.node();
        self.solver.define(pointer, Use::Load { target, slots: Slots::ONE });
        target
    }

    /// The pointer moved to the offset, or to anywhere in its object.
    fn at(&mut self, pointer: Node, offset: Option<u64>) -> Node {
        match offset {
            Some(0) => pointer,
            Some(offset) => {
                self.solver.stepped(pointer, &[GepStep::Const(i64::try_from(offset).unwrap_or(i64::MAX))])
            }
            None => self.solver.anywhere_of(pointer),
        }
    }

    fn root(&mut self, call: u32, f: &Function, root: &Root) -> Node {
        let loc = match root {
            Root::Ret => return self.call_ret(call),
            Root::Arg(arg) => return self.call_arg(call, *arg),
            Root::Alloc => self.heap_object(call, 1),
            Root::External(name) => {
                let name = if name.is_empty() { &f.name } else { name };
                let object = self.named_object(&format!("ext:{name}"), ObjectKind::External);
                self.solver.loc(object, 0)
            }
            Root::Static(name) => match self.variable(name) {
                Some(loc) => loc,
                None => {
                    // Only the library knows where it is. Values of thread keys are the thread's own.
                    let own = matches!(name.as_str(), "tls" | "tss") && self.is_copy(self.calls[call as usize].instance);
                    let object = self.named_object(&format!("static:{name}{}", if own { THREADS } else { "" }), ObjectKind::Copy);
                    self.solver.loc(object, 0)
                }
            },
        };
        let node = self.solver.node();
        self.solver.add(node, loc);
        node
    }

    fn callback(&mut self, call: u32, f: &Function, callback: &Callback) {
        let function = match callback.function.derefs {
            0 => self.root(call, f, &callback.function.root),
            _ => self.place(call, f, &callback.function),
        };
        if function == NONE {
            return;
        }
        // A single argument is handed through as it is (`pthread_create`); comparators and the like
        // get pointers to elements.
        let exact = callback.args.len() == 1;
        let mut args: Vec<Node> = callback
            .args
            .iter()
            .map(|arg| match arg {
                CallbackArg::Int => NONE,
                CallbackArg::Pointer(place) if exact && place.derefs == 0 => self.root(call, f, &place.root),
                CallbackArg::Pointer(place) => self.place(call, f, place),
            })
            .collect();
        // One that gets a single argument is often cast to take it as another type.
        let signature = (callback.args.len() > 1).then(|| Signature {
            ret: Class::Void,
            params: callback.args.iter().map(|a| if matches!(a, CallbackArg::Int) { Class::Int(4) } else { Class::Pointer }).collect(),
            variadic: false,
        });
        // Destructors get what any thread has under the key.
        if self.options.worlds.is_some() {
            for (node, arg) in args.iter_mut().zip(&callback.args) {
                let CallbackArg::Pointer(Place { root: Root::Static(name), derefs: 1, .. }) = arg else { continue };
                let (all, mine) = (self.solver.node(), *node);
                self.solver.edge(mine, all);
                for of in ["", THREADS] {
                    let object = self.named_object(&format!("static:{name}{of}"), ObjectKind::Copy);
                    let loc = self.solver.loc(object, 0);
                    let pointer = self.solver.node();
                    self.solver.add(pointer, loc);
                    let value = self.load(pointer);
                    self.solver.edge(value, all);
                }
                *node = all;
            }
        }
        let runs = self.options.worlds.map_or(Runs::Caller, |w| (w.runs)(&f.name));
        let ret = match &callback.kept {
            Some(place) => {
                let source = self.solver.node();
                let to = self.pointer(call, f, place, place.derefs - 1);
                let to = self.at(to, place.offset);
                self.solver.attach(to, Use::Store { source, slots: Slots::ONE });
                source
            }
            None if callback.retained => self.retained,
            None => NONE,
        };
        self.call_back(call, function, (args, ret), (signature, runs));
    }
}

/// Whether a length is a matter of the arguments: what is sent or got is a message, not a text or a structure of the system's.
fn of_arguments(len: &Len) -> bool {
    match len {
        Len::Arg(_) => true,
        // So many structures of the system's.
        Len::Mul(_, of) if matches!(**of, Len::Const(_)) => false,
        Len::Add(a, b) | Len::Mul(a, b) | Len::Min(a, b) => of_arguments(a) || of_arguments(b),
        _ => false,
    }
}

/// Most bytes of a message, as far as constant arguments tell; of many elements one, if all are too long.
fn message_length(len: &Len, constants: &[Option<i64>]) -> Option<u64> {
    let of = |len: &Len| message_length(len, constants);
    match len {
        Len::Const(bytes) => Some(*bytes),
        Len::Arg(arg) => constants.get(usize::from(*arg)).copied().flatten().and_then(|value| u64::try_from(value).ok()),
        Len::Add(a, b) => of(a)?.checked_add(of(b)?),
        Len::Min(a, b) => [of(a), of(b)].into_iter().flatten().min(),
        Len::Mul(a, b) => match (of(a), of(b)) {
            (Some(a), Some(b)) => Some(a.saturating_mul(b)).filter(|bytes| *bytes <= MESSAGE).or(Some(a)),
            (element, other) => element.or(other).filter(|bytes| *bytes >= WORD),
        },
        _ => None,
    }
}
