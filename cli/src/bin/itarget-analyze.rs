//! `itarget-analyze`: what `itarget analyze` runs; the only tool that loads LLVM.
#![forbid(unsafe_code)]

#[path = "../commands/analyze.rs"]
mod analyze;

use itarget_cli::commands::Outcome;
use itarget_cli::errors;

fn main() {
    std::process::exit(match analyze::run(std::env::args_os().skip(1).collect()) {
        Ok(status) => status,
        Err(e) => {
            e.print("itarget");
            itarget_abi::exit::FAILURE
        }
    })
}
