//! What each load and store of a function may touch: `cargo run --release -p itarget-analyzer --example accesses -- PROGRAM.bc FUNCTION`.

use itarget_analyzer::bitcode;
use itarget_analyzer::model::{FunctionId, InstrKind};
use itarget_analyzer::points_to::{Options, PointsTo};
use itarget_annotations::Annotations;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let module = bitcode::load(&args[..1]).unwrap_or_else(|e| panic!("{e}"));
    let points_to = PointsTo::solve(&module, Annotations::builtin(), &Options::default());
    for (i, f) in module.functions.iter().enumerate().filter(|(_, f)| f.name == args[1]) {
        for (_, index) in &f.sites {
            let instr = &f.instrs[*index as usize];
            let (InstrKind::Load { ptr, access, .. } | InstrKind::Store { ptr, access, .. }) = &instr.kind else { continue };
            let fields = points_to.accessed(&module, FunctionId::from(i), *ptr, access);
            println!("line {} {access:?}: {} cells", instr.at.map_or(0, |at| at.line), fields.len());
            if let Some(member) = access.member { println!("  {:?}", module.members[member as usize]); }
            for field in fields.into_iter().take(60) {
                let f = points_to.field(field);
                let o = points_to.object(f.object);
                let places = access.member.zip(o.layout).map(|(m, l)| module.types.places(l, &module.members[m as usize]));
                println!("    {} {:?} +{} {:?} layout {:?} {places:?}", o.name, o.kind, f.offset, f.size, o.layout);
            }
        }
    }
}
