//! The grammar of lengths: `min(ret + 1, arg1)`, `u32:arg2`, `cstr`, `iovec:1,2`.
//!
//! ```text
//! len     = "cstr" | "wcstr" | "iovec:" N "," N | "msghdr:" N | "mmsghdr:" N
//!         | "scanf:" N | "ioctl:" N | "behind:" NUMBER "," NUMBER | "moved:" NUMBER | sum
//! sum     = product { "+" product }
//! product = factor { "*" factor | "/" number }
//! factor  = number | "arg" N | "ret" | ("u32:" | "u64:") "arg" N | "min(" sum "," sum ")"
//!         | "(" sum ")"
//! ```

use std::fmt;
use std::str::FromStr;

use super::scan::Scan;
use crate::model::{Len, Width};

/// Nesting beyond this is refused, so that the parser's stack is bounded.
const MAX_DEPTH: u32 = 32;

impl FromStr for Len {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut scan = Scan::new(text);
        let len = if scan.take("cstr") {
            Len::CStr
        } else if scan.take("wcstr") {
            Len::WCStr
        } else if scan.take("iovec:") {
            let arg = scan.index()?;
            if !scan.take(",") {
                return Err("iovec needs the argument with the count: `iovec:1,2`".to_owned());
            }
            Len::Iovec {
                arg,
                count: scan.index()?,
            }
        } else if scan.take("msghdr:") {
            Len::Msghdr { arg: scan.index()? }
        } else if scan.take("mmsghdr:") {
            Len::Mmsghdr { arg: scan.index()? }
        } else if scan.take("behind:") {
            let offset = scan.number()?;
            if !scan.take(",") {
                return Err("behind needs an offset and a number of bytes: `behind:32,256`".to_owned());
            }
            Len::Behind { offset, bytes: scan.number()? }
        } else if scan.take("moved:") {
            Len::Moved { offset: scan.number()? }
        } else if scan.take("scanf:") {
            Len::Scanf {
                format: scan.index()?,
            }
        } else if scan.take("ioctl:") {
            Len::Ioctl {
                request: scan.index()?,
            }
        } else {
            sum(&mut scan, 0)?
        };
        scan.end()?;
        Ok(len)
    }
}

fn sum(scan: &mut Scan<'_>, depth: u32) -> Result<Len, String> {
    if depth > MAX_DEPTH {
        return Err("nested too deeply".to_owned());
    }
    let mut left = product(scan, depth)?;
    while scan.take("+") {
        left = Len::Add(Box::new(left), Box::new(product(scan, depth)?));
    }
    Ok(left)
}

fn product(scan: &mut Scan<'_>, depth: u32) -> Result<Len, String> {
    let mut left = factor(scan, depth)?;
    loop {
        if scan.take("*") {
            left = Len::Mul(Box::new(left), Box::new(factor(scan, depth)?));
        } else if scan.take("/") {
            match scan.number()? {
                0 => return Err("division by zero".to_owned()),
                divisor => left = Len::Div(Box::new(left), divisor),
            }
        } else {
            return Ok(left);
        }
    }
}

fn factor(scan: &mut Scan<'_>, depth: u32) -> Result<Len, String> {
    if scan.at_digit() {
        return scan.number().map(Len::Const);
    }
    if scan.take("min(") {
        let left = sum(scan, depth + 1)?;
        if !scan.take(",") {
            return Err(format!("expected `,` in min(), found {}", scan.here()));
        }
        let right = sum(scan, depth + 1)?;
        return close(scan, Len::Min(Box::new(left), Box::new(right)));
    }
    if scan.take("(") {
        let inner = sum(scan, depth + 1)?;
        return close(scan, inner);
    }
    if scan.take("arg") {
        return scan.index().map(Len::Arg);
    }
    if scan.take("ret") {
        return Ok(Len::Ret);
    }
    for (prefix, width) in [("u32:arg", Width::U32), ("u64:arg", Width::U64)] {
        if scan.take(prefix) {
            return Ok(Len::Mem {
                arg: scan.index()?,
                width,
            });
        }
    }
    Err(format!("expected a length, found {}", scan.here()))
}

fn close(scan: &mut Scan<'_>, len: Len) -> Result<Len, String> {
    if scan.take(")") {
        Ok(len)
    } else {
        Err(format!("expected `)`, found {}", scan.here()))
    }
}

/// Writes the text that parses to the same value.
impl fmt::Display for Len {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Len::Const(value) => write!(f, "{value}"),
            Len::Arg(arg) => write!(f, "arg{arg}"),
            Len::Ret => f.write_str("ret"),
            Len::Mem {
                arg,
                width: Width::U32,
            } => write!(f, "u32:arg{arg}"),
            Len::Mem {
                arg,
                width: Width::U64,
            } => write!(f, "u64:arg{arg}"),
            Len::Add(left, right) => match **right {
                Len::Add(..) => write!(f, "{left} + ({right})"),
                _ => write!(f, "{left} + {right}"),
            },
            Len::Mul(left, right) => {
                write!(f, "{} * ", Left(left))?;
                match **right {
                    Len::Add(..) | Len::Mul(..) | Len::Div(..) => write!(f, "({right})"),
                    _ => write!(f, "{right}"),
                }
            }
            Len::Div(left, divisor) => write!(f, "{} / {divisor}", Left(left)),
            Len::Min(left, right) => write!(f, "min({left}, {right})"),
            Len::CStr => f.write_str("cstr"),
            Len::WCStr => f.write_str("wcstr"),
            Len::Iovec { arg, count } => write!(f, "iovec:{arg},{count}"),
            Len::Msghdr { arg } => write!(f, "msghdr:{arg}"),
            Len::Mmsghdr { arg } => write!(f, "mmsghdr:{arg}"),
            Len::Behind { offset, bytes } => write!(f, "behind:{offset},{bytes}"),
            Len::Moved { offset } => write!(f, "moved:{offset}"),
            Len::Scanf { format } => write!(f, "scanf:{format}"),
            Len::Ioctl { request } => write!(f, "ioctl:{request}"),
        }
    }
}

/// The left side of a product, in parentheses where it needs them.
struct Left<'a>(&'a Len);

impl fmt::Display for Left<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Len::Add(..) => write!(f, "({})", self.0),
            other => write!(f, "{other}"),
        }
    }
}

impl Len {
    /// Calls `visit` with every argument number this length mentions.
    pub fn for_each_arg(&self, visit: &mut impl FnMut(u8)) {
        match self {
            Len::Const(_) | Len::Ret | Len::CStr | Len::WCStr | Len::Behind { .. } | Len::Moved { .. } => {}
            Len::Arg(arg) | Len::Mem { arg, .. } | Len::Msghdr { arg } | Len::Mmsghdr { arg } => visit(*arg),
            Len::Scanf { format: arg }
            | Len::Ioctl { request: arg } => visit(*arg),
            Len::Iovec { arg, count } => {
                visit(*arg);
                visit(*count);
            }
            Len::Add(left, right) | Len::Mul(left, right) | Len::Min(left, right) => {
                left.for_each_arg(visit);
                right.for_each_arg(visit);
            }
            Len::Div(left, _) => left.for_each_arg(visit),
        }
    }

    /// Whether this length depends on the result of the call.
    #[must_use]
    pub fn uses_ret(&self) -> bool {
        match self {
            Len::Ret | Len::Iovec { .. } | Len::Msghdr { .. } | Len::Mmsghdr { .. } | Len::Scanf { .. } => true,
            Len::Add(left, right) | Len::Mul(left, right) | Len::Min(left, right) => {
                left.uses_ret() || right.uses_ret()
            }
            Len::Div(left, _) => left.uses_ret(),
            _ => false,
        }
    }

    /// The argument whose memory a keyword length is about, if the keyword names one.
    pub(super) fn implied_arg(&self) -> Option<u8> {
        match self {
            Len::Iovec { arg, .. } | Len::Msghdr { arg } | Len::Mmsghdr { arg } => Some(*arg),
            Len::Scanf { format } => Some(*format),
            _ => None,
        }
    }
}
