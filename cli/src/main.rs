//! `itarget`, and by the name it is called by all its other names.
#![forbid(unsafe_code)]

fn main() {
    itarget_cli::main()
}
