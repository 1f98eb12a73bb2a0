//! Prepared bitcode to the model: functions, globals, and the tables they refer to.

use super::constants::{Constants, Symbol};
use super::declared::Tags;
use super::instructions::{Body, Names};
use super::ll::{Op, Place, Program, Value};
use super::prepare::Sites;
use super::prototypes::Prototypes;
use super::types::TypeMap;
use super::variables::Found;
use crate::model::{
    Attributes, Callee, External, ExternalId, ExternalVariable, ExternalVariableId, FileId, Function, FunctionId,
    Global, GlobalId, InstrKind, Location, Module, Operand, Variables,
};
use crate::model::{Block, Instr, Number};
use llvm_sys::LLVMLinkage as Linkage;
use rustc_hash::FxHashMap;

/// Instructions, blocks, and whether the function calls `setjmp` or the like.
pub(super) type Converted = (Vec<Instr>, Vec<Block>, bool, Vec<(u32, Number)>);

/// Converts a prepared program.
pub(super) fn convert<'p>(program: &'p Program<'_>, sites: &Sites, found: &Found, prototypes: Prototypes) -> Module {
    let (mut bodies, mut externals): (Vec<_>, Vec<_>) =
        program.functions().map(|f| (f.name(), f)).partition(|(_, f)| !f.is_declaration());
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    externals.sort_by(|a, b| a.0.cmp(&b.0));
    let (mut globals, mut variables): (Vec<_>, Vec<_>) =
        program.globals().map(|g| (g.name(), g)).partition(|(_, g)| g.initializer().is_some());
    // Stable sorts: unnamed globals keep the order of the module.
    globals.sort_by(|a, b| (a.0.is_empty(), &a.0).cmp(&(b.0.is_empty(), &b.0)));
    variables.sort_by(|a, b| a.0.cmp(&b.0));

    let mut symbols = FxHashMap::default();
    for (i, (_, f)) in bodies.iter().enumerate() {
        symbols.insert(f.key(), Symbol::Function(FunctionId::from(i)));
    }
    for (i, (_, f)) in externals.iter().enumerate() {
        symbols.insert(f.key(), Symbol::External(ExternalId::from(i)));
    }
    for (i, (_, g)) in globals.iter().enumerate() {
        symbols.insert(g.key(), Symbol::Global(GlobalId::from(i)));
    }
    for (i, (_, g)) in variables.iter().enumerate() {
        symbols.insert(g.key(), Symbol::Variable(ExternalVariableId::from(i)));
    }

    let mut constants = Constants::new(TypeMap::new(program.layout()), symbols);
    let mut names = Names::default();
    let mut tags = Tags::new();
    let mut module = Module { fingerprint: sites.fingerprint.clone(), module_asm: program.has_asm(), ..Module::default() };
    module.externals = externals.iter().map(|(name, f)| external(&constants, name, *f)).collect();
    for (i, (name, g)) in globals.iter().enumerate() {
        module.globals.push(global(&mut constants, &mut names, i, name, *g));
    }
    module.external_variables = variables.iter().map(|(name, g)| variable(&mut constants, name, *g)).collect();
    module.variables = described(&bodies, &globals, found);
    let threads = module.externals.iter().any(|e| matches!(&*e.name, "pthread_create" | "thrd_create"));
    for (name, f) in &bodies {
        let mut body = Body::new(&mut constants, &mut names, (sites, &prototypes), &mut tags, (*f, threads));
        body.convert();
        let converted = body.finish(&module.externals);
        let mut converted = function(&constants, &mut names, name, *f, converted);
        converted.prototype = prototypes.by_key.get(&f.key()).copied();
        converted.called_as = prototypes.called_as(f.key());
        module.functions.push(converted);
    }
    module.types = constants.types.types;
    module.typed = tags.any();
    module.records = tags.records;
    module.members = tags.members;
    module.lists = constants.lists;
    module.prototypes = prototypes.list;
    module.structures = prototypes.structures;
    sort_files(&mut module, &names);
    mark_addresses(&mut module);
    find_twins(&mut module);
    module
}

/// Static functions of a header are defined by every source that includes it: they have the same name, but for the number that linking
/// adds, the same place and as many instructions.
fn find_twins(module: &mut Module) {
    let mut first: FxHashMap<(String, Location, usize), FunctionId> = FxHashMap::default();
    for (index, function) in module.functions.iter_mut().enumerate() {
        if let Some(at) = function.at.filter(|at| at.line != 0 && !function.exported) {
            let name = function.name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('.').to_owned();
            let of = *first.entry((name, at, function.instrs.len())).or_insert(FunctionId::from(index));
            function.twin = Some(of).filter(|of| of.index() != index);
        }
    }
}

/// What is known of variables, by where they are in the model.
fn described(bodies: &[(String, Value<'_>)], globals: &[(String, Value<'_>)], found: &Found) -> Variables {
    let mut all = Variables::default();
    if found.is_empty() {
        return all;
    }
    for (index, (_, global)) in globals.iter().enumerate() {
        if let Some(variable) = found.get(&global.key()) {
            all.globals.insert(GlobalId::from(index), variable.clone());
        }
    }
    for (index, (_, f)) in bodies.iter().enumerate() {
        let function = FunctionId::from(index);
        for (parameter, value) in (0u32..).zip(f.params()) {
            if let Some(variable) = found.get(&value.key()) {
                all.parameters.insert((function, parameter), variable.clone());
            }
        }
        let instructions = f.blocks().flat_map(|b| b.instructions());
        // A slot that a pass removed has left its address to others.
        for (i, slot) in (0u32..).zip(instructions).filter(|(_, i)| i.opcode() == Op::LLVMAlloca) {
            if let Some(variable) = found.get(&slot.key()) {
                all.locals.insert((function, i), variable.clone());
            }
        }
    }
    all
}

fn exported(linkage: Linkage) -> bool {
    !matches!(
        linkage,
        Linkage::LLVMInternalLinkage | Linkage::LLVMPrivateLinkage | Linkage::LLVMLinkerPrivateLinkage
    )
}

fn external(constants: &Constants<'_>, name: &str, f: Value<'_>) -> External {
    let signature = constants.types.signature(f.value_type());
    let params = || (0..u32::try_from(signature.params.len()).unwrap_or(0)).map(Place::Param);
    // The `memory` attribute holds two bits (1 read, 2 write) per kind of memory: arguments,
    // inaccessible, other.
    let memory = f.attribute(Place::Function, "memory").unwrap_or(0x3f);
    let attributes = Attributes {
        noalias_result: f.attribute(Place::Return, "noalias").is_some(),
        noreturn: f.attribute(Place::Function, "noreturn").is_some(),
        readonly: memory & 0b10_1010 == 0,
        readnone: memory & 0x3f == 0,
        argmemonly: memory & 0b11_0000 == 0,
        nocapture: params().map(|p| f.attribute(p, "nocapture").is_some()).collect(),
        param_readonly: params()
            .map(|p| f.attribute(p, "readonly").is_some() || f.attribute(p, "readnone").is_some())
            .collect(),
        returned: params()
            .position(|p| f.attribute(p, "returned").is_some())
            .and_then(|index| u8::try_from(index).ok()),
        returns_twice: f.attribute(Place::Function, "returns_twice").is_some(),
    };
    External { name: name.to_owned(), signature, address_taken: false, attributes }
}

fn global<'p>(constants: &mut Constants<'p>, names: &mut Names<'p>, index: usize, name: &str, g: Value<'p>) -> Global {
    let ty = g.value_type();
    let mut init = Vec::new();
    let mut bytes = None;
    if let Some(value) = g.initializer() {
        bytes = constants.bytes_of(value);
        if bytes.is_none() {
            constants.addresses(value, 0, &mut init, 0);
            init.sort_unstable();
            init.dedup();
        }
    }
    // The linker keeps all variables of such a section, as its ends have names.
    let linker_set = g.section().is_some_and(|s| s.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()));
    Global {
        name: if name.is_empty() { format!(".{index}") } else { name.to_owned() },
        size: constants.types.layout.size(ty),
        ty: constants.types.id(ty),
        constant: g.is_constant_global(),
        thread_local: g.is_thread_local(),
        exported: exported(g.linkage()),
        used_outside: exported(g.linkage()) && g.is_protected() && !linker_set,
        address_taken: false,
        init,
        bytes,
        section: g.section(),
        at: names.location(g),
    }
}

fn variable<'p>(constants: &mut Constants<'p>, name: &str, g: Value<'p>) -> ExternalVariable {
    let ty = g.value_type();
    ExternalVariable {
        name: name.to_owned(),
        size: ty.sized().then(|| constants.types.layout.size(ty)),
        ty: constants.types.id(ty),
        thread_local: g.is_thread_local(),
    }
}

fn function<'p>(
    constants: &Constants<'p>,
    names: &mut Names<'p>,
    name: &str,
    f: Value<'p>,
    (instrs, blocks, returns_twice, numbers): Converted,
) -> Function {
    let signature = constants.types.signature(f.value_type());
    let byval = (0..signature.params.len())
        .map(|i| {
            let place = Place::Param(u32::try_from(i).unwrap_or(0));
            f.type_attribute(place, "byval").map_or(0, |ty| constants.types.layout.size(ty))
        })
        .collect();
    let mut sites: Vec<(u32, u32)> =
        (0u32..).zip(&instrs).filter_map(|(index, instr)| instr.ordinal.map(|ordinal| (ordinal, index))).collect();
    sites.sort_unstable();
    Function {
        sites,
        name: name.to_owned(),
        signature,
        prototype: None,
        called_as: None,
        byval,
        exported: exported(f.linkage()),
        used_outside: exported(f.linkage()) && f.is_protected(),
        address_taken: false,
        returns_twice,
        at: names.location(f),
        twin: None,
        instrs,
        blocks,
        numbers,
    }
}

/// Numbers the files by name instead of by first appearance.
fn sort_files(module: &mut Module, names: &Names<'_>) {
    let mut order: Vec<usize> = (0..names.files.len()).collect();
    order.sort_by(|a, b| names.files[*a].cmp(&names.files[*b]));
    let mut number = vec![FileId(0); order.len()];
    for (new, old) in order.iter().enumerate() {
        number[*old] = FileId::from(new);
        module.files.push(names.files[*old].clone());
    }
    let fix = |at: &mut Option<Location>| {
        if let Some(at) = at {
            at.file = number[at.file.index()];
        }
    };
    for f in &mut module.functions {
        fix(&mut f.at);
        f.instrs.iter_mut().for_each(|i| fix(&mut i.at));
    }
    module.globals.iter_mut().for_each(|g| fix(&mut g.at));
}

/// Marks what is used otherwise than by calls, loads and stores.
fn mark_addresses(module: &mut Module) {
    let mut taken = Vec::new();
    for g in &module.globals {
        taken.extend(g.init.iter().map(|(_, operand)| *operand));
    }
    for instr in module.functions.iter().flat_map(|f| &f.instrs) {
        match &instr.kind {
            InstrKind::Load { .. } => {}
            InstrKind::Store { value, .. } => taken.push(*value),
            InstrKind::Call(call) => {
                taken.extend_from_slice(&call.args);
                if let Callee::Indirect(operand) = call.callee {
                    taken.push(operand);
                }
            }
            other => other.operands(|operand| taken.push(operand)),
        }
    }
    while let Some(operand) = taken.pop() {
        match operand {
            Operand::Function(id) => module.functions[id.index()].address_taken = true,
            Operand::External(id) => module.externals[id.index()].address_taken = true,
            Operand::Global(id, _) => module.globals[id.index()].address_taken = true,
            Operand::Any(list) => taken.extend_from_slice(&module.lists[list.index()]),
            _ => {}
        }
    }
}
