//! Loads a program, runs the points-to analysis and prints its figures:
//! `cargo run --release -p itarget-analyzer --example stats -- PROGRAM.bc`.

use itarget_analyzer::bitcode;
use itarget_analyzer::points_to::{Options, PointsTo};
use itarget_annotations::Annotations;
use std::time::Instant;

fn main() {
    let inputs: Vec<String> = std::env::args().skip(1).collect();
    let start = Instant::now();
    let module = match bitcode::load(&inputs) {
        Ok(module) => module,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    let instrs: usize = module.functions.iter().map(|f| f.instrs.len()).sum();
    println!(
        "load {:.2} s; {} functions, {instrs} instructions, {} externals, {} globals; {}",
        start.elapsed().as_secs_f64(),
        module.functions.len(),
        module.externals.len(),
        module.globals.len(),
        module.fingerprint
    );
    let result = PointsTo::solve(&module, Annotations::builtin(), &Options::default());
    println!("{:#?}", result.stats());
}
