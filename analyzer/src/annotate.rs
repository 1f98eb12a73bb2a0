//! What one call of an annotated external does: the annotation with the call's constants filled in.
//!
//! Annotations speak of a function; here the overrides by argument value (`fcntl`, `ioctl`) are
//! chosen, formats are looked at, and lengths become the plan's. Where a plan can't say how much is
//! written, the memory written is environment: dearer, but sound.

use crate::scanf;
use itarget_abi::format;
use itarget_annotations::{Callback, Case, Function, Kind, Len, PointerFlow, Region, Ret, Retained, Varargs};
use itarget_plan as plan;
use std::collections::BTreeMap;

/// What the analyzer knows about the arguments of one call.
pub trait Arguments {
    /// Number of arguments.
    fn count(&self) -> u32;
    /// Value of an argument, if it is an integer constant.
    fn constant(&self, arg: u32) -> Option<i64>;
    /// Text of an argument, if it is the address of a constant C string.
    fn text(&self, arg: u32) -> Option<String>;
    /// Whether an argument is a pointer.
    fn is_pointer(&self, arg: u32) -> bool;
}

/// Bytes the external writes through pointer arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What the runtime logs.
    pub write: plan::Write,
    /// Arguments whose memory is written (several for scanf).
    pub through: Vec<u32>,
    /// The memory written is not what the arguments point to but what is reachable from it
    /// (`readv`, `recvmsg`).
    pub deep: bool,
}

/// A call with its annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSpec {
    /// How it is treated. `None`: nobody has said.
    pub kind: Option<Kind>,
    /// What the result is.
    pub ret: Ret,
    /// Bytes written.
    pub writes: Vec<Written>,
    /// Arguments through which it writes to an extent that a plan can't express.
    pub opaque: Vec<u32>,
    /// It may write what opaque arguments lead to by pointers, too.
    pub deep: bool,
    /// The format, where it comes at run time.
    pub format: Option<plan::Format>,
    /// The printf format, where what it prints may depend on `errno` or the locale.
    pub varies: Option<u32>,
    /// Pointer arguments that are read. `None`: not said, so all that are not only written.
    pub reads: Option<Vec<u32>>,
    /// Arguments that lead to a known number of bytes: argument, bytes, whether they are read, whether they are written.
    pub sizes: Vec<(u32, u64, bool, bool)>,
    /// How many bytes from where an argument leads are read, where that can be said.
    pub lengths: Vec<(u32, plan::Len)>,
    /// Pointer arguments the environment keeps.
    pub retains: Vec<Retained>,
    /// Pointer flow beyond what `ret` says.
    pub pointers: Vec<PointerFlow>,
    /// Function pointers the external calls.
    pub callbacks: Vec<Callback>,
    /// Stream it writes to.
    pub show: Option<plan::Show>,
    /// Runtime function that replaces it.
    pub runtime: Option<String>,
    /// Argument whose memory it frees.
    pub frees: Option<u32>,
    /// Why it is refused.
    pub reason: Option<String>,
    /// Argument that is a `va_list`, which the call uses up.
    pub va_list: Option<u32>,
}

impl CallSpec {
    /// A call nothing is known about.
    #[must_use]
    pub fn unknown() -> CallSpec {
        CallSpec {
            kind: None,
            ret: Ret::External,
            writes: Vec::new(),
            opaque: Vec::new(),
            deep: false,
            format: None,
            varies: None,
            reads: None,
            sizes: Vec::new(),
            lengths: Vec::new(),
            retains: Vec::new(),
            pointers: Vec::new(),
            callbacks: Vec::new(),
            show: None,
            runtime: None,
            frees: None,
            reason: None,
            va_list: None,
        }
    }

    /// The call of `function` with these arguments.
    #[must_use]
    pub fn of(function: &Function, args: &dyn Arguments) -> CallSpec {
        let chosen = choose(function, args);
        let fixed: Option<&Case> = match chosen {
            Chosen::Case(case) => Some(case),
            Chosen::Base | Chosen::Any => None,
        };
        let kind = fixed.and_then(|c| c.kind).unwrap_or(function.kind);
        let reads = fixed.and_then(|c| c.reads.as_ref()).unwrap_or(&function.reads);
        let retains = fixed.and_then(|c| c.retains.as_ref()).unwrap_or(&function.retains);
        let pointers = fixed.and_then(|c| c.pointers.clone()).or_else(|| function.pointers.clone());
        let mut spec = CallSpec {
            kind: Some(kind),
            ret: fixed.and_then(|c| c.ret).unwrap_or(function.ret),
            writes: Vec::new(),
            opaque: Vec::new(),
            deep: false,
            format: None,
            varies: None,
            reads: (!reads.is_empty()).then(|| sorted(reads.iter().map(|r| u32::from(r.arg)))),
            lengths: reads.iter().filter_map(|r| Some((u32::from(r.arg), length(&r.len, args)?))).collect(),
            sizes: sizes(reads, fixed.and_then(|c| c.writes.as_ref()).unwrap_or(&function.writes)),
            retains: retains.clone(),
            pointers: pointers.unwrap_or_default(),
            callbacks: function.callbacks.clone(),
            show: function.show.map(show),
            runtime: function.runtime.clone(),
            frees: function.frees.map(u32::from),
            va_list: match function.varargs {
                Some(Varargs::VPrintf(format) | Varargs::VScanf(format)) => Some(u32::from(format) + 1),
                _ => None,
            },
            reason: fixed.and_then(|c| c.reason.clone()).or_else(|| function.reason.clone()),
        };
        let mut opaque = Vec::new();
        let mut add = |regions: &[Region], when: Option<(u32, Vec<i64>)>| {
            for region in regions {
                match written(region, when.clone(), args) {
                    Some(Some(write)) => spec.writes.push(write),
                    Some(None) => {}
                    None => opaque.extend(through(region, args)),
                }
            }
        };
        match chosen {
            Chosen::Case(case) => add(case.writes.as_deref().unwrap_or(&function.writes), None),
            Chosen::Base => add(&function.writes, None),
            Chosen::Any => {
                add(&function.writes, None);
                for case in &function.cases {
                    if let Some(writes) = &case.writes {
                        add(writes, Some((u32::from(case.arg), case.values.clone())));
                    }
                }
            }
        }
        if let Chosen::Any = chosen {
            // What is refused where it is known may write more than the arguments' memory.
            spec.deep = function.cases.iter().any(|c| c.kind == Some(Kind::Refuse));
            // Any of the cases may hold: the dearest treatment that any of them asks for.
            for case in &function.cases {
                spec.retains.extend(case.retains.iter().flatten());
                spec.pointers.extend(case.pointers.iter().flatten().cloned());
                spec.reads = match (spec.reads.take(), &case.reads) {
                    (Some(all), Some(more)) => {
                        Some(sorted(all.into_iter().chain(more.iter().map(|r| u32::from(r.arg)))))
                    }
                    (all, None) => all,
                    (None, Some(_)) => None,
                };
                if case.kind == Some(Kind::Env) && !matches!(kind, Kind::Env | Kind::Refuse) {
                    spec.kind = Some(Kind::Env);
                }
            }
        }
        spec.opaque = sorted(opaque.into_iter());
        let format = match function.varargs {
            Some(Varargs::Printf(format) | Varargs::VPrintf(format)) => Some((u32::from(format), false)),
            Some(Varargs::Scanf(format) | Varargs::VScanf(format)) => Some((u32::from(format), true)),
            _ => None,
        };
        if let Some((arg, scanf)) = format {
            let text = args.text(arg);
            if !scanf && spec.is_det() {
                match &text {
                    Some(text) if !format::varies(text.as_bytes()) => spec.kind = Some(Kind::Det),
                    Some(text) if format::names_errno(text.as_bytes()) => spec.kind = Some(Kind::Env),
                    _ => spec.varies = Some(arg),
                }
            }
            match text {
                None => spec.format = Some(plan::Format { arg, scanf }),
                Some(text) if scanf && format::allocates(text.as_bytes()) => {
                    spec.kind = Some(Kind::Refuse);
                    spec.reason = Some("memory that scanf allocates (%m) is not recorded: the recording ends here".to_owned());
                }
                Some(text) if !scanf && format::stores(text.as_bytes()) => {
                    spec.kind = Some(Kind::Refuse);
                    spec.reason = Some("what printf stores (%n) is not recorded: the recording ends here".to_owned());
                }
                Some(_) => {}
            }
        }
        if !spec.opaque.is_empty() && spec.is_det() {
            spec.kind = Some(Kind::Env);
        }
        spec
    }

    /// True for kinds that run natively at replay on replay-space data.
    #[must_use]
    pub fn is_det(&self) -> bool {
        matches!(self.kind, Some(Kind::Det | Kind::DetLocale))
    }
}

enum Chosen<'a> {
    Base,
    Case(&'a Case),
    Any,
}

fn choose<'a>(function: &'a Function, args: &dyn Arguments) -> Chosen<'a> {
    if function.cases.is_empty() {
        return Chosen::Base;
    }
    for case in &function.cases {
        match args.constant(u32::from(case.arg)) {
            // Compared in the width of the argument: an i32 request is a signed constant here.
            Some(v) if case.values.iter().any(|&w| w == v || i64::from(w as i32) == v || w as u32 as i64 == v) => {
                return Chosen::Case(case);
            }
            Some(_) => {}
            None => return Chosen::Any,
        }
    }
    Chosen::Base
}

/// See [`CallSpec::sizes`].
fn sizes(reads: &[Region], writes: &[Region]) -> Vec<(u32, u64, bool, bool)> {
    let mut of: BTreeMap<u32, Option<(u64, bool, bool)>> = BTreeMap::new();
    for (region, read) in reads.iter().map(|r| (r, true)).chain(writes.iter().map(|w| (w, false))) {
        let entry = of.entry(u32::from(region.arg)).or_insert(Some((0, false, false)));
        *entry = match (*entry, &region.len) {
            (Some((most, r, w)), Len::Const(bytes)) => Some((most.max(*bytes), r | read, w | !read)),
            _ => None,
        };
    }
    of.into_iter().filter_map(|(arg, known)| known.map(|(bytes, read, written)| (arg, bytes, read, written))).collect()
}

fn sorted(args: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut v: Vec<u32> = args.collect();
    v.sort_unstable();
    v.dedup();
    v
}

fn show(s: itarget_annotations::Show) -> plan::Show {
    match s {
        itarget_annotations::Show::Stdout => plan::Show::Standard { fd: 1 },
        itarget_annotations::Show::Stderr => plan::Show::Standard { fd: 2 },
        itarget_annotations::Show::Stream(a) => plan::Show::Stream { arg: a.into() },
        itarget_annotations::Show::Fd(a) => plan::Show::Fd { arg: a.into() },
    }
}

/// The arguments that a region is written through.
fn through(region: &Region, args: &dyn Arguments) -> Vec<u32> {
    let arg = u32::from(region.arg);
    match region.len {
        Len::Scanf { format } => {
            (u32::from(format) + 1..args.count()).filter(|&a| args.is_pointer(a)).collect()
        }
        _ => vec![arg],
    }
}

/// `None`: not expressible. `Some(None)`: nothing is written.
#[allow(clippy::option_option)]
fn written(region: &Region, when: Option<(u32, Vec<i64>)>, args: &dyn Arguments) -> Option<Option<Written>> {
    let arg = u32::from(region.arg);
    let one = |len, deep| {
        Some(Some(Written { write: plan::Write { arg, len, when: when.clone(), heap_only: false, carried: false, kept: region.kept, unless: region.unless, copied: None }, through: vec![arg], deep }))
    };
    match &region.len {
        Len::Scanf { format } => {
            // A va_list can't be walked twice.
            let format = u32::from(*format);
            let conversions = scanf::conversions(args.text(format)?.as_bytes())?;
            let through = through(region, args);
            let write = plan::Write { arg: format + 1, len: plan::Len::Scanf(conversions), when, heap_only: false, carried: false, kept: region.kept, unless: region.unless, copied: None };
            Some((!through.is_empty()).then_some(Written { write, through, deep: false }))
        }
        Len::Behind { .. } => {
            // Where it leads is decided at run time; the flow graph knows no such cells.
            let write = plan::Write { arg, len: length(&region.len, args)?, when, heap_only: false, carried: false, kept: region.kept, unless: region.unless, copied: None };
            Some(Some(Written { write, through: Vec::new(), deep: false }))
        }
        Len::Iovec { .. } | Len::Msghdr { .. } | Len::Mmsghdr { .. } | Len::Moved { .. } => one(length(&region.len, args)?, true),
        Len::Ioctl { request } => match args.constant(u32::from(*request)) {
            Some(r) => {
                // Old requests say neither whether they write nor how much.
                let (directions, bytes) = ((r as u64 >> 30) & 3, (r as u64 >> 16) & 0x3fff);
                match (directions, bytes) {
                    (0, _) => None,
                    (1, _) | (_, 0) => Some(None),
                    _ => one(plan::Len::Const(bytes), false),
                }
            }
            None => None,
        },
        len => one(length(len, args)?, false),
    }
}

/// The plan's form of a length; `None` where it has none.
fn length(len: &Len, args: &dyn Arguments) -> Option<plan::Len> {
    Some(match len {
        Len::Const(n) => plan::Len::Const(*n),
        Len::Arg(a) => match args.constant(u32::from(*a)) {
            Some(n) => plan::Len::Const(u64::try_from(n).unwrap_or(0)),
            None => plan::Len::Arg(u32::from(*a)),
        },
        Len::Ret => plan::Len::Ret,
        Len::Mem { arg, width: itarget_annotations::Width::U32 } => plan::Len::Mem32(u32::from(*arg)),
        Len::Mem { arg, width: itarget_annotations::Width::U64 } => plan::Len::Mem64(u32::from(*arg)),
        Len::Add(a, b) => match (length(a, args)?, length(b, args)?) {
            (plan::Len::Const(x), plan::Len::Const(y)) => plan::Len::Const(x.saturating_add(y)),
            (a, b) => plan::Len::Add(Box::new(a), Box::new(b)),
        },
        Len::Mul(a, b) => match (length(a, args)?, length(b, args)?) {
            (plan::Len::Const(x), plan::Len::Const(y)) => plan::Len::Const(x.saturating_mul(y)),
            // Elements of one byte are still elements, see [`estimate`].
            (plan::Len::Const(1), other) | (other, plan::Len::Const(1)) if other != plan::Len::Ret => other,
            (a, b) => plan::Len::Mul(Box::new(a), Box::new(b)),
        },
        Len::Min(a, b) => plan::Len::Min(Box::new(length(a, args)?), Box::new(length(b, args)?)),
        Len::Div(a, by) => match length(a, args)? {
            plan::Len::Const(x) => plan::Len::Const(x / (*by).max(1)),
            _ if *by != 1 => return None,
            other => other,
        },
        Len::CStr => plan::Len::Cstr,
        Len::WCStr => plan::Len::Wcstr,
        Len::Iovec { arg, count } => plan::Len::Iovec(u32::from(*arg), u32::from(*count)),
        Len::Msghdr { arg } => plan::Len::Msghdr(u32::from(*arg)),
        Len::Mmsghdr { arg } => plan::Len::Mmsghdr(u32::from(*arg)),
        Len::Behind { offset, bytes } => plan::Len::Behind(*offset, *bytes),
        Len::Moved { offset } => plan::Len::Moved(*offset),
        Len::Scanf { .. } | Len::Ioctl { .. } => return None,
    })
}

/// The plan's form of what a result is, given that it is used.
#[must_use]
pub fn result(ret: Ret, objid: u32) -> plan::Ret {
    match ret {
        Ret::Void | Ret::NoReturn => plan::Ret::None,
        Ret::CopyCStr => plan::Ret::CopyCstr,
        Ret::Copy(bytes) => plan::Ret::CopyBytes { bytes },
        Ret::AllocCStr => plan::Ret::AdoptCstr { objid },
        Ret::Int | Ret::Arg(_) | Ret::Into(_) | Ret::Alloc | Ret::External => plan::Ret::Log,
    }
}

/// Bytes that a length is estimated to come to: constants as they are, else the size of the object
/// written (`object`, 0 if not known), else `fallback`. Of elements that a call counts as it returns (`fread`) there is one:
/// without a profile the cut should lean to where such a call is, which never costs more than the library boundary does.
#[must_use]
pub fn estimate(len: &plan::Len, object: u64, fallback: u64) -> u64 {
    match len {
        plan::Len::Const(n) | plan::Len::Behind(_, n) => *n,
        plan::Len::Mul(a, b) => match (a.as_ref(), b.as_ref()) {
            (plan::Len::Const(n), plan::Len::Ret) | (plan::Len::Ret, plan::Len::Const(n)) => *n,
            (plan::Len::Const(n), other) | (other, plan::Len::Const(n)) if object == 0 => {
                n.saturating_mul(estimate(other, 0, (fallback / (*n).max(1)).max(1)))
            }
            _ if object != 0 => object,
            _ => fallback,
        },
        plan::Len::Min(a, b) => estimate(a, object, fallback).min(estimate(b, object, fallback)),
        plan::Len::Cstr | plan::Len::Wcstr if object == 0 || object > 64 => 64,
        _ if object != 0 => object,
        _ => fallback,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constants(Vec<Option<i64>>);

    impl Arguments for Constants {
        fn count(&self) -> u32 {
            self.0.len() as u32
        }
        fn constant(&self, arg: u32) -> Option<i64> {
            self.0.get(arg as usize).copied().flatten()
        }
        fn text(&self, _: u32) -> Option<String> {
            None
        }
        fn is_pointer(&self, arg: u32) -> bool {
            arg >= 2
        }
    }

    fn spec(name: &str, args: Vec<Option<i64>>) -> CallSpec {
        let all = itarget_annotations::Annotations::builtin();
        CallSpec::of(all.function(name).expect("is annotated"), &Constants(args))
    }

    #[test]
    fn a_constant_chooses_the_case_and_the_length() {
        let read = spec("read", vec![Some(0), None, Some(64)]);
        assert_eq!((read.kind, read.writes[0].write.arg), (Some(Kind::Env), 1));
        // TIOCGWINSZ writes a struct winsize.
        let ioctl = spec("ioctl", vec![Some(1), Some(0x5413), None]);
        assert!(ioctl.opaque.is_empty() && ioctl.writes.len() == 1);
    }

    #[test]
    fn what_a_plan_cannot_say_is_opaque() {
        let ioctl = spec("ioctl", vec![Some(1), None, None]);
        assert_eq!((ioctl.opaque, ioctl.deep), (vec![2], true));
        // BLKGETSIZE writes, and does not say so.
        assert_eq!(spec("ioctl", vec![Some(1), Some(0x1260), None]).opaque, [2]);
        let sscanf = spec("sscanf", vec![None, None, None, None]);
        assert_eq!((sscanf.kind, sscanf.opaque), (Some(Kind::Env), vec![2, 3]));
    }

    #[test]
    fn estimates_use_constants_then_the_object_then_the_fallback() {
        use plan::Len;
        assert_eq!(estimate(&Len::Const(7), 100, 4096), 7);
        assert_eq!(estimate(&Len::Ret, 100, 4096), 100);
        assert_eq!(estimate(&Len::Ret, 0, 4096), 4096);
        let product = |other| Len::Mul(Box::new(Len::Const(12)), Box::new(other));
        assert_eq!(estimate(&product(Len::Arg(1)), 0, 4096), 12 * (4096 / 12));
        assert_eq!(estimate(&product(Len::Ret), 100, 4096), 12);
        assert_eq!(estimate(&Len::Min(Box::new(Len::Const(10)), Box::new(Len::Ret)), 100, 4096), 10);
        assert_eq!(estimate(&Len::Cstr, 0, 4096), 64);
    }
}
