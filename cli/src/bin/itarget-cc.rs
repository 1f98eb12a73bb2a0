//! `itarget-cc`: the same as `itarget`, so that a plain build has it under this name too.
#![forbid(unsafe_code)]

fn main() {
    itarget_cli::main()
}
