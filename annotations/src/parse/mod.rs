//! From annotation TOML to the model, with errors that point at the offending text.

mod len;
mod place;
mod scan;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::error::{Error, ErrorCode};
use crate::model::{
    Callback, CallbackArg, Case, Function, Kind, Len, Memory, Place, PointerFlow, Region, Ret,
    Retained, Root, Varargs, Variable,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    function: Vec<RawFunction>,
    #[serde(default)]
    variable: Vec<RawVariable>,
    #[serde(default)]
    memory: Vec<RawMemory>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFunction {
    names: Spanned<Vec<Spanned<String>>>,
    kind: Spanned<String>,
    ret: Spanned<String>,
    /// Number of fixed parameters, where known: other fields are checked against it.
    params: Option<Spanned<u64>>,
    #[serde(default)]
    writes: Vec<RawRegion>,
    #[serde(default)]
    reads: Vec<RawRegion>,
    pointers: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    callbacks: Vec<RawCallback>,
    show: Option<Spanned<String>>,
    varargs: Option<Spanned<String>>,
    frees: Option<Spanned<u64>>,
    #[serde(default)]
    retains: Vec<Spanned<toml::Value>>,
    #[serde(default, rename = "case")]
    cases: Vec<RawCase>,
    runtime: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegion {
    arg: Option<Spanned<u64>>,
    len: Spanned<String>,
    #[serde(default)]
    kept: bool,
    unless: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCallback {
    /// An argument number, or a place such as `*arg1+0`.
    arg: Spanned<toml::Value>,
    #[serde(default)]
    args: Vec<Spanned<String>>,
    ret: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    arg: Spanned<u64>,
    values: Spanned<Vec<i64>>,
    kind: Option<Spanned<String>>,
    ret: Option<Spanned<String>>,
    writes: Option<Vec<RawRegion>>,
    reads: Option<Vec<RawRegion>>,
    pointers: Option<Vec<Spanned<String>>>,
    retains: Option<Vec<Spanned<toml::Value>>>,
    reason: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVariable {
    names: Spanned<Vec<Spanned<String>>>,
    kind: Spanned<String>,
    size: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMemory {
    names: Spanned<Vec<Spanned<String>>>,
    record: Option<String>,
    #[serde(default)]
    bytes: bool,
    scalar: Option<Spanned<u64>>,
}

/// What one file says, in file order.
pub(crate) struct File {
    pub(crate) functions: Vec<Function>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) memory: Vec<Memory>,
}

/// Reads one file.
pub(crate) fn file(name: &str, text: &str) -> Result<File, Error> {
    let raw: RawFile = toml::from_str(text).map_err(|error| {
        Error::at(
            ErrorCode::BadToml,
            name,
            text,
            error.span().unwrap_or(0..0),
            error.message(),
            "see the annotation format in the documentation",
        )
    })?;
    let context = Context { file: name, text };
    let mut seen = BTreeSet::new();
    let mut functions = Vec::new();
    for raw in &raw.function {
        context.names(&raw.names, &mut seen)?;
        let owner = raw
            .names
            .get_ref()
            .first()
            .map_or("", |first| first.get_ref());
        let function = context.function(raw, owner)?;
        for name in raw.names.get_ref() {
            functions.push(Function {
                name: name.get_ref().clone(),
                ..function.clone()
            });
        }
    }
    let mut variables = Vec::new();
    for raw in &raw.variable {
        context.names(&raw.names, &mut seen)?;
        let kind = context.word(&raw.kind, place::variable_kind)?;
        let size = raw.size.as_ref().map(|size| *size.get_ref());
        for name in raw.names.get_ref() {
            let name = name.get_ref().clone();
            variables.push(Variable {
                name,
                kind,
                size,
                source: context.file.to_owned(),
            });
        }
    }
    let mut memory = Vec::new();
    let mut seen = BTreeSet::new();
    for raw in &raw.memory {
        context.names(&raw.names, &mut seen)?;
        if raw.record.is_some() == raw.scalar.is_some() {
            let message = "memory is either a structure or an array of numbers";
            return Err(context.bad(raw.names.span(), message, "give `record` or `scalar`"));
        }
        if let Some(scalar) = raw.scalar.as_ref().filter(|s| !matches!(s.get_ref(), 1 | 2 | 4 | 8)) {
            return Err(context.bad(scalar.span(), "no number has that many bytes", "1, 2, 4 or 8"));
        }
        for name in raw.names.get_ref() {
            memory.push(Memory {
                name: name.get_ref().clone(),
                record: raw.record.clone(),
                bytes: raw.bytes,
                scalar: raw.scalar.as_ref().map(|s| *s.get_ref()),
                source: context.file.to_owned(),
            });
        }
    }
    Ok(File { functions, variables, memory })
}

struct Context<'a> {
    file: &'a str,
    text: &'a str,
}

impl Context<'_> {
    fn bad(&self, span: Range<usize>, message: impl Into<String>, hint: &str) -> Error {
        Error::at(
            ErrorCode::BadValue,
            self.file,
            self.text,
            span,
            message,
            hint,
        )
    }

    fn names<'r>(
        &self,
        names: &'r Spanned<Vec<Spanned<String>>>,
        seen: &mut BTreeSet<&'r str>,
    ) -> Result<(), Error> {
        if names.get_ref().is_empty() {
            return Err(self.bad(names.span(), "no names", "name at least one symbol"));
        }
        for name in names.get_ref() {
            if name.get_ref().is_empty() {
                return Err(self.bad(name.span(), "an empty name", "write the symbol's name"));
            }
            if !seen.insert(name.get_ref()) {
                let message = format!("`{}` is annotated twice in this file", name.get_ref());
                return Err(self.bad(name.span(), message, "keep one of the two"));
            }
        }
        Ok(())
    }

    /// Parses the text of a value; errors point at it.
    fn word<T>(
        &self,
        value: &Spanned<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Error> {
        parse(value.get_ref()).map_err(|message| self.bad(value.span(), message, ""))
    }

    fn index(&self, value: &Spanned<u64>) -> Result<u8, Error> {
        scan::arg_index(*value.get_ref())
            .map_err(|message| self.bad(value.span(), message, "arguments count from 0"))
    }

    fn regions(&self, raw: &[RawRegion], ret: Ret) -> Result<Vec<Region>, Error> {
        raw.iter().map(|region| self.region(region, ret)).collect()
    }

    fn region(&self, raw: &RawRegion, ret: Ret) -> Result<Region, Error> {
        let len = self.word(&raw.len, str::parse::<Len>)?;
        if len.uses_ret() && ret != Ret::Int {
            return Err(self.bad(
                raw.len.span(),
                "the length needs the result, but the result is no number",
                "use a length of arguments or `cstr`, or `ret = \"int\"`",
            ));
        }
        let arg = match (&raw.arg, len.implied_arg()) {
            (Some(arg), implied) => {
                let index = self.index(arg)?;
                if implied.is_some_and(|implied| implied != index) {
                    let message = "the length is about another argument than `arg`";
                    return Err(self.bad(arg.span(), message, "leave `arg` out"));
                }
                index
            }
            (None, Some(implied)) => implied,
            (None, None) => {
                let message = "which argument points to these bytes?";
                return Err(self.bad(raw.len.span(), message, "add `arg = N`"));
            }
        };
        let fixed = matches!(len, Len::Const(1..=Region::MOST_KEPT) | Len::Behind { bytes: 1..=Region::MOST_KEPT, .. });
        if raw.kept && !fixed {
            let message = format!("`kept` is for 1 to {} bytes, a constant number", Region::MOST_KEPT);
            return Err(self.bad(raw.len.span(), message, "leave `kept` out"));
        }
        if let Some(unless) = &raw.unless
            && (ret != Ret::Int || raw.kept || len.implied_arg().is_some() || matches!(len, Len::Behind { .. } | Len::Moved { .. }))
        {
            let message = "`unless` is for bytes of the argument's own, not `kept`, of a function with `ret = \"int\"`";
            return Err(self.bad(unless.span(), message, "leave `unless` out"));
        }
        Ok(Region { arg, len, kept: raw.kept, unless: raw.unless.as_ref().map(|u| *u.get_ref()) })
    }

    fn flows(
        &self,
        raw: &[Spanned<String>],
        owner: &str,
        ret: Ret,
    ) -> Result<Vec<PointerFlow>, Error> {
        let mut flows = Vec::with_capacity(raw.len());
        for text in raw {
            let flow = self.word(text, |text| place::flow(text, owner))?;
            if (flow.dst.root == Root::Ret || flow.src.root == Root::Ret) && !ret.is_pointer() {
                return Err(self.bad(
                    text.span(),
                    "the function returns no pointer",
                    "say what it returns in `ret`",
                ));
            }
            flows.push(flow);
        }
        Ok(flows)
    }

    fn callback(&self, raw: &RawCallback, owner: &str) -> Result<Callback, Error> {
        let span = raw.arg.span();
        let function = match raw.arg.get_ref() {
            toml::Value::Integer(index) => u64::try_from(*index)
                .map_err(|_| "a negative argument number".to_owned())
                .and_then(scan::arg_index)
                .map(|index| Place {
                    root: Root::Arg(index),
                    derefs: 0,
                    offset: None,
                }),
            toml::Value::String(text) => place::place(text, owner),
            _ => Err("expected an argument number or a place such as \"*arg1+0\"".to_owned()),
        }
        .map_err(|message| self.bad(span, message, ""))?;
        let args = raw
            .args
            .iter()
            .map(|arg| {
                self.word(arg, |text| match text {
                    "int" => Ok(CallbackArg::Int),
                    _ => place::place(text, owner).map(CallbackArg::Pointer),
                })
            })
            .collect::<Result<_, _>>()?;
        let (retained, kept) = match &raw.ret {
            None => (false, None),
            Some(ret) if ret.get_ref() == "retained" => (true, None),
            Some(ret) => match place::place(ret.get_ref(), owner) {
                Ok(place) if place.derefs > 0 && matches!(place.root, Root::Static(_)) => (false, Some(place)),
                _ => {
                    let message = format!("`{}` is nothing that a library does with a result", ret.get_ref());
                    return Err(self.bad(ret.span(), message, "write `retained`, a place such as `*static:NAME`, or leave it out"));
                }
            },
        };
        Ok(Callback { function, args, retained, kept })
    }

    /// Arguments that are kept: `N`, or `{ arg = N, bytes = LENGTH }`.
    fn retained(&self, raw: &[Spanned<toml::Value>]) -> Result<Vec<Retained>, Error> {
        let number = |value: &toml::Value| value.as_integer().and_then(|n| u64::try_from(n).ok());
        let one = |value: &Spanned<toml::Value>| {
            let bad = |message: &str| self.bad(value.span(), message, "an argument number, or `{ arg = N, bytes = LENGTH }`");
            let (arg, bytes) = match value.get_ref() {
                toml::Value::Table(table) if table.len() == 2 => (table.get("arg"), table.get("bytes").map(number)),
                whole => (Some(whole), Some(None)),
            };
            let part = matches!(value.get_ref(), toml::Value::Table(_));
            match (arg.and_then(number), bytes) {
                (Some(arg), Some(bytes)) if part == bytes.is_some_and(|bytes| bytes > 0) => {
                    let arg = scan::arg_index(arg).map_err(|message| bad(&message))?;
                    Ok(Retained { arg, bytes })
                }
                _ => Err(bad("this is no argument")),
            }
        };
        raw.iter().map(one).collect()
    }

    fn case(&self, raw: &RawCase, owner: &str, outer: Ret) -> Result<Case, Error> {
        let ret = raw
            .ret
            .as_ref()
            .map(|ret| self.word(ret, place::ret))
            .transpose()?;
        let effective = ret.unwrap_or(outer);
        if raw.values.get_ref().is_empty() {
            return Err(self.bad(raw.values.span(), "no values", "name at least one"));
        }
        let kind = raw
            .kind
            .as_ref()
            .map(|kind| self.word(kind, place::kind))
            .transpose()?;
        if kind == Some(Kind::Refuse) && raw.reason.is_none() {
            return Err(self.bad(raw.arg.span(), "a refusal needs a reason", "add `reason`"));
        }
        let regions = |raw: &Option<Vec<RawRegion>>| {
            raw.as_ref()
                .map(|raw| self.regions(raw, effective))
                .transpose()
        };
        Ok(Case {
            arg: self.index(&raw.arg)?,
            values: raw.values.get_ref().clone(),
            kind,
            ret,
            writes: regions(&raw.writes)?,
            reads: regions(&raw.reads)?,
            pointers: raw
                .pointers
                .as_ref()
                .map(|raw| self.flows(raw, owner, effective))
                .transpose()?,
            retains: raw
                .retains
                .as_ref()
                .map(|raw| self.retained(raw))
                .transpose()?,
            reason: raw.reason.as_ref().map(|reason| reason.get_ref().clone()),
        })
    }

    fn function(&self, raw: &RawFunction, owner: &str) -> Result<Function, Error> {
        let kind = self.word(&raw.kind, place::kind)?;
        let ret = self.word(&raw.ret, place::ret)?;
        for (field, wanted, given) in [
            ("runtime", kind == Kind::Runtime, &raw.runtime),
            ("reason", kind == Kind::Refuse, &raw.reason),
        ] {
            match given {
                None if wanted => {
                    let message = format!("kind `{}` needs `{field}`", raw.kind.get_ref());
                    return Err(self.bad(raw.kind.span(), message, "add it"));
                }
                Some(value) if !wanted => {
                    let message = format!("`{field}` has no meaning for `{}`", raw.kind.get_ref());
                    return Err(self.bad(value.span(), message, "leave it out"));
                }
                _ => {}
            }
        }
        let show = raw
            .show
            .as_ref()
            .map(|show| self.word(show, place::show))
            .transpose()?;
        if let (Some(show), true) = (&raw.show, kind != Kind::Env) {
            let message = "`show` is for environment functions";
            return Err(self.bad(show.span(), message, "use `kind = \"env\"`"));
        }
        let callbacks = raw
            .callbacks
            .iter()
            .map(|callback| self.callback(callback, owner))
            .collect::<Result<_, _>>()?;
        let text =
            |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.get_ref().clone());
        let function = Function {
            name: String::new(),
            kind,
            ret,
            writes: self.regions(&raw.writes, ret)?,
            reads: self.regions(&raw.reads, Ret::Int)?,
            pointers: raw
                .pointers
                .as_ref()
                .map(|pointers| self.flows(pointers, owner, ret))
                .transpose()?,
            callbacks,
            show,
            varargs: raw
                .varargs
                .as_ref()
                .map(|varargs| self.word(varargs, place::varargs))
                .transpose()?,
            frees: raw
                .frees
                .as_ref()
                .map(|frees| self.index(frees))
                .transpose()?,
            retains: self.retained(&raw.retains)?,
            cases: raw
                .cases
                .iter()
                .map(|case| self.case(case, owner, ret))
                .collect::<Result<_, _>>()?,
            runtime: text(&raw.runtime),
            reason: text(&raw.reason),
            source: self.file.to_owned(),
        };
        self.check_params(raw, &function)?;
        // A call whose memory is the environment's is not made at replay, and then nobody would call back.
        let kinds = function.cases.iter().filter_map(|case| case.kind).chain([kind]);
        if let Some(callback) = raw.callbacks.first().filter(|_| kinds.into_iter().any(|k| matches!(k, Kind::Det | Kind::DetLocale))) {
            let message = "a function that runs at replay by its arguments alone calls nothing of the program's";
            return Err(self.bad(callback.arg.span(), message, "use `kind = \"env\"`"));
        }
        Ok(function)
    }

    /// With `params`, every argument named must exist.
    fn check_params(&self, raw: &RawFunction, function: &Function) -> Result<(), Error> {
        let Some(params) = &raw.params else {
            return Ok(());
        };
        let fixed = *params.get_ref();
        let count = match function.varargs {
            None | Some(Varargs::VPrintf(_) | Varargs::VScanf(_)) => fixed,
            Some(Varargs::None) => fixed,
            Some(Varargs::Words(words)) => fixed.saturating_add(u64::from(words)),
            Some(Varargs::Printf(_) | Varargs::Scanf(_) | Varargs::Pointers) => return Ok(()),
        };
        let missing = highest_arg(function).filter(|&highest| u64::from(highest) >= count);
        match missing {
            None => Ok(()),
            Some(arg) => Err(self.bad(
                raw.names.span(),
                format!("argument {arg} is named, but there are {count} arguments"),
                "arguments count from 0",
            )),
        }
    }
}

/// The highest argument number an annotation names.
fn highest_arg(function: &Function) -> Option<u8> {
    let mut highest = None;
    let mut visit = |arg: u8| highest = highest.max(Some(arg));
    if let Ret::Arg(arg) | Ret::Into(arg) = function.ret {
        visit(arg);
    }
    let regions = function.writes.iter().chain(&function.reads).chain(
        function
            .cases
            .iter()
            .flat_map(|case| case.writes.iter().chain(&case.reads).flatten()),
    );
    for region in regions {
        visit(region.arg);
        region.len.for_each_arg(&mut visit);
    }
    let flows = function.pointers.iter().flatten().chain(
        function
            .cases
            .iter()
            .flat_map(|case| case.pointers.iter().flatten()),
    );
    let places =
        flows
            .flat_map(|flow| [&flow.dst, &flow.src])
            .chain(function.callbacks.iter().flat_map(|callback| {
                let args = callback.args.iter().filter_map(|arg| match arg {
                    CallbackArg::Pointer(place) => Some(place),
                    CallbackArg::Int => None,
                });
                args.chain([&callback.function])
            }));
    for place in places {
        if let Root::Arg(arg) = place.root {
            visit(arg);
        }
    }
    function
        .frees
        .iter()
        .copied()
        .chain(function.retains.iter().map(|kept| kept.arg))
        .for_each(&mut visit);
    for case in &function.cases {
        visit(case.arg);
        case.retains.iter().flatten().map(|kept| kept.arg).for_each(&mut visit);
    }
    highest
}
