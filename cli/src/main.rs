//! `itarget` and, by the name it is called by, `itarget-cc`, `itarget-c++`, `itarget-llvm-ar` and
//! `itarget-llvm-ranlib`.
//!
//! Invariant of absence: this crate knows log, plan and trace directory; it knows neither LLVM nor
//! how a cut is found.
#![forbid(unsafe_code)]

mod cc;
mod errors;

use cc::Language;
use std::ffi::OsString;
use std::process::exit;

fn main() {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    let name = args.first().map(|a| a.to_string_lossy().rsplit('/').next().unwrap_or("").to_string()).unwrap_or_default();
    let rest = args.split_off(args.len().min(1));
    let (called, result) = match name.as_str() {
        "itarget-cc" | "itarget-clang" | "itarget-gcc" => ("itarget-cc", cc::compiler(Language::C, rest)),
        "itarget-c++" | "itarget-clang++" | "itarget-g++" => ("itarget-c++", cc::compiler(Language::Cxx, rest)),
        "itarget-llvm-ar" => ("itarget-llvm-ar", cc::archiver("llvm-ar", rest)),
        "itarget-llvm-ranlib" => ("itarget-llvm-ranlib", cc::archiver("llvm-ranlib", rest)),
        _ => match rest.first().and_then(|a| a.to_str()) {
            Some("cc") => ("itarget-cc", cc::compiler(Language::C, rest[1..].to_vec())),
            Some("c++") => ("itarget-c++", cc::compiler(Language::Cxx, rest[1..].to_vec())),
            _ => ("itarget", Ok(0)),
        },
    };
    match result {
        Ok(status) => exit(status),
        Err(e) => {
            e.print(called);
            exit(itarget_abi::exit::FAILURE);
        }
    }
}
