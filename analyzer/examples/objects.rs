//! Development aid: the cells of objects whose name contains a word, with their sides. `objects PROGRAM.bc WORD [TARGET...]`
use itarget_analyzer::analysis::{self, Options};
use itarget_analyzer::bitcode;
use itarget_analyzer::flow::extent;
use itarget_analyzer::flow::target::Targets;
use itarget_analyzer::points_to::FieldId;
use itarget_annotations::Annotations;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let module = bitcode::load(&[args[1].clone()]).unwrap_or_else(|e| panic!("{e}"));
    let options = Options { targets: Targets::of_text(&args[3..]), ..Options::default() };
    let annotations = Annotations::builtin();
    let (_, details) = analysis::analyze_in_detail(&module, annotations, &options, &mut |_| {}).unwrap_or_else(|e| panic!("{e}"));
    let points_to = &details.points_to;
    for (index, object) in points_to.objects().iter().enumerate().filter(|(_, o)| o.name.contains(&args[2])) {
        println!("{} {:?} {:?} size {:?} stride {}", object.name, object.kind, details.facts.places[index], object.size, object.stride);
        for f in (object.fields.0.0..object.fields.1.0).map(FieldId) {
            let field = points_to.field(f);
            let side = if details.cut.is_environment(f) { "environment" } else { "replay" };
            println!("    {} {:?} {side} ranges {:?} unlisted {:?}", field.offset, field.size, extent::ranges(points_to, f), extent::unlisted(points_to, f));
        }
    }
}
