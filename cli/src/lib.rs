//! All of `itarget` but the analysis, which is a program of its own (`itarget-analyze`): so LLVM's
//! library is loaded by the analysis only, the compiler wrapper starts at once, and recording and
//! replaying need no LLVM.
//!
//! One executable with several names: `itarget`, `itarget-cc`, `itarget-c++`, `itarget-llvm-ar`,
//! `itarget-llvm-ranlib`.
//!
//! Invariant of absence: this crate knows command lines, log, plan and trace directory; it knows
//! neither LLVM nor how a cut is found.
#![forbid(unsafe_code)]

pub mod cc;
pub mod commands;
pub mod config;
pub mod errors;
pub mod measure;
pub mod program;
pub mod targeting;
pub mod trace;
pub mod weighing;

use cc::Language;
use clap::{CommandFactory, Parser};
use commands::Outcome;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::exit;

/// Record and replay programs across a computed cut between them and their environment.
#[derive(Debug, Parser)]
#[command(name = "itarget", version, max_term_width = 100, after_help = "Build programs with itarget-cc and itarget-c++ in the place of cc and c++.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Record(commands::record::Args),
    Replay(commands::replay::Args),
    Debug(commands::debug::Args),
    Dump(commands::dump::Args),
    Ls(commands::ls::Args),
    Ps(commands::ps::Args),
    Pack(commands::pack::Args),
    Rm(commands::rm::Args),
    Profile(commands::profile::Args),
    Relink(commands::relink::Args),
    Tune(commands::tune::Args),
    Compare(commands::compare::Args),
    CheckAnnotations(commands::check_annotations::Args),
    Annotations(commands::annotations::Args),
    /// Compute the cut of a program from its bitcode (see `itarget analyze --help`).
    #[command(disable_help_flag = true)]
    Analyze {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        args: Vec<OsString>,
    },
    /// Say why each item of an interface is logged, or explain an error code (see `itarget explain --help`).
    #[command(disable_help_flag = true)]
    Explain {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        args: Vec<OsString>,
    },
    /// Compare two interfaces: plans, executables or bitcode (see `itarget diff --help`).
    #[command(disable_help_flag = true)]
    Diff {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        args: Vec<OsString>,
    },
    /// Draw the flow graph with the cut through it: a page, Graphviz, JSON (see `itarget graph --help`).
    #[command(disable_help_flag = true)]
    Graph {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        args: Vec<OsString>,
    },
    /// List what several threads may access at once without a lock in common (see `itarget races --help`).
    #[command(disable_help_flag = true)]
    Races {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        args: Vec<OsString>,
    },
    ExplainCode(commands::explain_code::Args),
    /// The compiler wrapper, as itarget-cc.
    #[command(disable_help_flag = true, name = "cc")]
    Cc {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        args: Vec<OsString>,
    },
    /// The compiler wrapper, as itarget-c++.
    #[command(disable_help_flag = true, name = "c++")]
    Cxx {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        args: Vec<OsString>,
    },
    /// Make the names itarget-cc, itarget-c++, ... in a directory.
    #[command(hide = true)]
    SelfLinks { directory: PathBuf },
    /// Write shell completions to stdout.
    #[command(hide = true)]
    Completions { shell: clap_complete::Shell },
    /// Write the man page to stdout.
    #[command(hide = true)]
    Man,
}

/// The other names of the executable.
const NAMES: [&str; 4] = ["itarget-cc", "itarget-c++", "itarget-llvm-ar", "itarget-llvm-ranlib"];

/// Runs the command that the command line asks for, and exits.
pub fn main() -> ! {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    let name = args.first().map(|a| a.to_string_lossy().rsplit('/').next().unwrap_or("").to_string()).unwrap_or_default();
    // Compiler and analyzer options must not be clap's business: they are not ours to judge.
    let sub = args.get(1).and_then(|a| a.to_str()).map(str::to_string);
    let (called, result) = match (name.as_str(), sub.as_deref()) {
        ("itarget-cc", _) => ("itarget-cc", cc::compiler(Language::C, args.split_off(1))),
        ("itarget-c++", _) => ("itarget-c++", cc::compiler(Language::Cxx, args.split_off(1))),
        ("itarget-llvm-ar", _) => ("itarget-llvm-ar", cc::archiver("llvm-ar", args.split_off(1))),
        ("itarget-llvm-ranlib", _) => ("itarget-llvm-ranlib", cc::archiver("llvm-ranlib", args.split_off(1))),
        (_, Some("cc")) => ("itarget-cc", cc::compiler(Language::C, args.split_off(2))),
        (_, Some("c++")) => ("itarget-c++", cc::compiler(Language::Cxx, args.split_off(2))),
        (_, Some("analyze")) => ("itarget", commands::analyzer(args.split_off(2))),
        (_, Some("diff")) => ("itarget", commands::analyzer_for("diff", args.split_off(2))),
        (_, Some("graph")) => ("itarget", commands::analyzer_for("graph", args.split_off(2))),
        (_, Some("races")) => ("itarget", commands::analyzer_for("races", args.split_off(2))),
        (_, Some("explain")) => ("itarget", commands::explain_code::or_interface(args.split_off(2))),
        _ => {
            commands::run::limit_stack();
            ("itarget", command(Cli::parse_from(args).command))
        }
    };
    match result {
        Ok(status) => exit(status),
        Err(e) => {
            e.print(called);
            exit(itarget_abi::exit::FAILURE);
        }
    }
}

fn command(command: Command) -> Outcome {
    match command {
        Command::Record(a) => commands::record::run(a),
        Command::Replay(a) => commands::replay::run(a),
        Command::Debug(a) => commands::debug::run(a),
        Command::Dump(a) => commands::dump::run(a),
        Command::Ls(a) => commands::ls::run(a),
        Command::Ps(a) => commands::ps::run(a),
        Command::Pack(a) => commands::pack::run(a),
        Command::Rm(a) => commands::rm::run(a),
        Command::Profile(a) => commands::profile::run(a),
        Command::Relink(a) => commands::relink::run(a),
        Command::Tune(a) => commands::tune::run(a),
        Command::Compare(a) => commands::compare::run(a),
        Command::CheckAnnotations(a) => commands::check_annotations::run(a),
        Command::Annotations(a) => commands::annotations::run(a),
        Command::ExplainCode(a) => commands::explain_code::run(a),
        Command::Analyze { args } => commands::analyzer(args),
        Command::Diff { args } => commands::analyzer_for("diff", args),
        Command::Graph { args } => commands::analyzer_for("graph", args),
        Command::Races { args } => commands::analyzer_for("races", args),
        Command::Explain { args } => commands::explain_code::or_interface(args),
        Command::Cc { args } => cc::compiler(Language::C, args),
        Command::Cxx { args } => cc::compiler(Language::Cxx, args),
        Command::SelfLinks { directory } => self_links(&directory),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "itarget", &mut std::io::stdout());
            Ok(0)
        }
        Command::Man => {
            clap_mangen::Man::new(Cli::command())
                .render(&mut std::io::stdout())
                .map_err(|e| errors::Error::new("IT0609", format!("stdout: {e}")))?;
            Ok(0)
        }
    }
}

/// Makes the other names of this executable, as symbolic links beside it if it is there.
fn self_links(directory: &std::path::Path) -> Outcome {
    let exe = cc::run::own_exe()?;
    let beside = directory.join("itarget").canonicalize().is_ok_and(|p| exe.canonicalize().is_ok_and(|e| e == p));
    let target = if beside { PathBuf::from("itarget") } else { exe };
    for name in NAMES {
        let path = directory.join(name);
        // An executable of its own (cargo makes itarget-cc) needs no link.
        if path.symlink_metadata().is_ok_and(|m| m.is_file()) {
            continue;
        }
        let failed = |e: std::io::Error| errors::Error::new("IT0609", format!("{}: {e}", path.display()));
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
        std::os::unix::fs::symlink(&target, &path).map_err(failed)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
