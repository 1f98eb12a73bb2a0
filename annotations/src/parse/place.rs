//! The grammar of pointer flows (`*arg1+0 <- arg0`) and of the other one-word values.

use super::scan::Scan;
use crate::model::{FRAME, Kind, MAX_ARG, Place, PointerFlow, Ret, Root, Show, Varargs, VariableKind};

/// `DST <- SRC`; `owner` names the function's own external or static object.
pub(super) fn flow(text: &str, owner: &str) -> Result<PointerFlow, String> {
    let (dst, src) = text
        .split_once("<-")
        .ok_or("expected `DST <- SRC`, such as `ret <- arg0`")?;
    let (dst, src) = (place(dst, owner)?, place(src, owner)?);
    if dst.derefs == 0 && dst.root != Root::Ret {
        return Err("a pointer can only go to `ret` or into memory (`*arg0`)".to_owned());
    }
    Ok(PointerFlow { dst, src })
}

/// `{*} (ret | argN | external[:NAME] | frame[:NAME] | static[:NAME] | alloc) [+OFFSET]`.
pub(super) fn place(text: &str, owner: &str) -> Result<Place, String> {
    let mut scan = Scan::new(text);
    let mut derefs = 0;
    while scan.take("*") {
        derefs += 1;
        if derefs > 2 {
            return Err("at most two `*`".to_owned());
        }
    }
    let word = scan.word();
    let root = match word {
        "ret" => Root::Ret,
        "alloc" => Root::Alloc,
        "external" => Root::External(object_name(&mut scan, owner)?),
        "frame" => Root::External(format!("{}{FRAME}", object_name(&mut scan, owner)?)),
        "static" => Root::Static(object_name(&mut scan, owner)?),
        _ => match word.strip_prefix("arg") {
            Some(index) => {
                let mut number = Scan::new(index);
                let index = number.index()?;
                number.end()?;
                Root::Arg(index)
            }
            None => {
                return Err(format!(
                    "expected ret, argN, external, frame, static or alloc, found `{word}`"
                ));
            }
        },
    };
    let offset = if scan.take("+") {
        Some(scan.number()?)
    } else {
        None
    };
    scan.end()?;
    if derefs == 0 && offset.is_some_and(|offset| offset != 0) {
        return Err("an offset other than 0 needs a `*` before it".to_owned());
    }
    Ok(Place {
        root,
        derefs,
        offset,
    })
}

fn object_name(scan: &mut Scan<'_>, owner: &str) -> Result<String, String> {
    if !scan.take(":") {
        return Ok(owner.to_owned());
    }
    match scan.word() {
        "" => Err(format!("expected a name after `:`, found {}", scan.here())),
        name => Ok(name.to_owned()),
    }
}

/// How calls of a function are treated.
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    Ok(match text {
        "env" => Kind::Env,
        "det" => Kind::Det,
        "det-locale" => Kind::DetLocale,
        "native" => Kind::Native,
        "runtime" => Kind::Runtime,
        "refuse" => Kind::Refuse,
        _ => {
            return Err(format!(
                "`{text}` is no kind; one of env, det, det-locale, native, runtime, refuse"
            ));
        }
    })
}

/// How a variable is treated.
pub(super) fn variable_kind(text: &str) -> Result<VariableKind, String> {
    Ok(match text {
        "constant" => VariableKind::Constant,
        "native" => VariableKind::Native,
        "external" => VariableKind::External,
        _ => {
            return Err(format!(
                "`{text}` is no kind; one of constant, native, external"
            ));
        }
    })
}

/// What the result is.
pub(super) fn ret(text: &str) -> Result<Ret, String> {
    let mut scan = Scan::new(text);
    let value = match text {
        "void" => return Ok(Ret::Void),
        "int" => return Ok(Ret::Int),
        "alloc" => return Ok(Ret::Alloc),
        "alloc:cstr" => return Ok(Ret::AllocCStr),
        "external" => return Ok(Ret::External),
        "copy:cstr" => return Ok(Ret::CopyCStr),
        "noreturn" => return Ok(Ret::NoReturn),
        _ if scan.take("arg") => Ret::Arg(scan.index()?),
        _ if scan.take("into:") => Ret::Into(scan.index()?),
        _ if scan.take("copy:") => match scan.number()? {
            0 => return Err("a copy of 0 bytes".to_owned()),
            bytes => Ret::Copy(bytes),
        },
        _ => {
            return Err(format!(
                "`{text}` is no result; one of void, int, argN, into:N, alloc, alloc:cstr, \
                 external, copy:cstr, copy:BYTES, noreturn"
            ));
        }
    };
    scan.end()?;
    Ok(value)
}

/// The stream of an output function.
pub(super) fn show(text: &str) -> Result<Show, String> {
    let mut scan = Scan::new(text);
    let value = if scan.take("stdout") {
        Show::Stdout
    } else if scan.take("stderr") {
        Show::Stderr
    } else if scan.take("stream:") {
        Show::Stream(scan.index()?)
    } else if scan.take("fd:") {
        Show::Fd(scan.index()?)
    } else {
        return Err(format!(
            "`{text}` is no stream; one of stdout, stderr, stream:N, fd:N"
        ));
    };
    scan.end()?;
    Ok(value)
}

/// The variable arguments.
pub(super) fn varargs(text: &str) -> Result<Varargs, String> {
    let mut scan = Scan::new(text);
    let value = if scan.take("none") {
        Varargs::None
    } else if scan.take("pointers") {
        Varargs::Pointers
    } else if scan.take("printf:") {
        Varargs::Printf(scan.index()?)
    } else if scan.take("scanf:") {
        Varargs::Scanf(scan.index()?)
    } else if scan.take("vprintf:") {
        Varargs::VPrintf(scan.index()?)
    } else if scan.take("vscanf:") {
        Varargs::VScanf(scan.index()?)
    } else if scan.take("words:") {
        Varargs::Words(word_count(scan.number()?)?)
    } else {
        return Err(format!(
            "`{text}` is no argument list; one of none, printf:N, scanf:N, vprintf:N, vscanf:N, \
             words:N, pointers"
        ));
    };
    scan.end()?;
    Ok(value)
}

fn word_count(count: u64) -> Result<u8, String> {
    u8::try_from(count)
        .ok()
        .filter(|&count| count <= MAX_ARG + 1)
        .ok_or_else(|| format!("{count} variable arguments are too many"))
}
