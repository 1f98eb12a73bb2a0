//! Loads a program, finds its data races and prints figures, with the seconds of each step (with `RACES_ALL` set, also the races):
//! `cargo run --release -p itarget-analyzer --example races -- PROGRAM.bc`.

use itarget_analyzer::points_to::{Options, PointsTo};
use itarget_analyzer::{bitcode, races, report};
use itarget_annotations::Annotations;
use std::time::Instant;

fn main() {
    let inputs: Vec<String> = std::env::args().skip(1).collect();
    let mut start = Instant::now();
    let mut lap = || std::mem::replace(&mut start, Instant::now()).elapsed().as_secs_f64();
    let module = match bitcode::load(&inputs) {
        Ok(module) => module,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    let loading = lap();
    let points_to = PointsTo::solve(&module, Annotations::builtin(), &Options { outside: true, ..Options::default() });
    if std::env::var_os("RACES_UNKNOWN").is_some() {
        let unknown = module.externals.iter().filter(|e| !e.name.starts_with("llvm.") && Annotations::builtin().function(&e.name).is_none());
        unknown.for_each(|e| println!("not annotated: {}", e.name));
    }
    let solving = lap();
    let found = races::find(&module, &points_to, Annotations::builtin());
    if std::env::var_os("RACES_ALL").is_some() {
        print!("{}", report::races::text(&report::races::collect(&module, &points_to, &found), usize::MAX));
    }
    println!("load {loading:.2} s, points-to {solving:.2} s, races {:.2} s", lap());
    println!("{:?}; {} reports", found.counts, found.reports.len());
    for (function, many) in &found.threads {
        println!("thread {}{}", module.functions[function.index()].name, if *many { " (several)" } else { "" });
    }
}
