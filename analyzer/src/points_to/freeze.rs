//! From the solver's state to the result: objects named, fields numbered, sets shared.

use super::build::Builder;
use super::objects::{Region, is_before};
use super::solver::{NOBODY, Node};
use super::result::{Frozen, PointsTo};
use super::{AbstractObject, Field, FieldId, Instance, InstanceId, ObjectId, ObjectKind, SiteRef, Stats, Target};
use crate::model::{Access, Callee, FunctionId, InstrKind, Location, Module};
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Instant;

/// Freezes a solved builder.
pub(super) fn freeze(mut builder: Builder<'_>, start: Instant) -> PointsTo {
    // Every object gets a field at 0, so that its bytes belong to some field.
    for object in 0..u32::try_from(builder.solver.objects.len()).unwrap_or(0) {
        builder.solver.loc(object, 0);
    }
    while !builder.solver.is_done() {
        builder.solver.solve();
    }
    let crowded = builder.solver.crowded();
    let solver = &builder.solver;
    // Buffers between copies are no memory that anyone accesses.
    let buffers: FxHashSet<u32> = solver.buffers.values().map(|place| solver.locs[*place as usize].0).collect();
    let folded = (0u32..).zip(&crowded).filter(|(object, crowded)| **crowded || buffers.contains(object)).map(|(object, _)| object);
    let folded: Vec<u32> = folded.filter(|object| solver.objects[*object as usize].offsets.len() > 1).collect();
    let whole: FxHashMap<u32, [Node; 2]> = folded.into_iter().map(|object| (object, builder.solver.everything(object))).collect();
    while !builder.solver.is_done() {
        builder.solver.solve();
    }
    let module = builder.module;
    let solver = &builder.solver;
    let regions = |object: u32| match whole.contains_key(&object) {
        true => vec![Region::WHOLE],
        false => solver.objects[object as usize].regions.clone(),
    };
    let mut result = PointsTo::default();
    result.globals = builder.globals.iter().map(|(global, object)| (*global, ObjectId(*object))).collect();
    result.globals.sort_unstable();
    let mut made_at: Vec<Vec<SiteRef>> = vec![Vec::new(); solver.objects.len()];
    for (&(instance, instr, _), &object) in &builder.heap {
        let function = builder.instances[instance as usize].function;
        let ordinal = module.functions[function.index()].instrs[instr as usize].ordinal.unwrap_or(u32::MAX);
        made_at[object as usize].push(SiteRef { function, ordinal });
    }
    made_at.iter_mut().for_each(|sites| sites.sort_unstable());
    let mut names = FxHashSet::default();
    let mut field_at: FxHashMap<(u32, u64), FieldId> = FxHashMap::default();
    for (id, o) in solver.objects.iter().enumerate() {
        let object = ObjectId(u32::try_from(id).unwrap_or(u32::MAX));
        let chain = chain(&builder, o.kind, o.instance);
        let mut name = match o.kind {
            ObjectKind::Heap(_) => heap_name(module, &chain),
            _ if o.instance != 0 && builder.instances[o.instance as usize].caller.is_some() => {
                format!("{}{}", o.name, chain_name(module, &chain))
            }
            _ => o.name.clone(),
        };
        if !names.insert(name.clone()) {
            name = format!("{name}#{id}");
            names.insert(name.clone());
        }
        let own = regions(object.0);
        let mut offsets = if whole.contains_key(&object.0) { vec![0] } else { o.offsets.clone() };
        offsets.sort_unstable();
        let first = FieldId(u32::try_from(result.fields.len()).unwrap_or(u32::MAX));
        for (i, offset) in offsets.iter().enumerate() {
            let mut end = offsets.get(i + 1).copied().or(o.size);
            for r in own.iter().filter(|r| r.contains(*offset)) {
                let element = r.start.saturating_add(r.stride);
                if element > *offset {
                    end = Some(end.map_or(element, |end| end.min(element)));
                }
            }
            let end = if collapsed(&own) { o.size } else { end };
            field_at.insert((object.0, *offset), FieldId(u32::try_from(result.fields.len()).unwrap_or(u32::MAX)));
            let size = end.and_then(|end| end.checked_sub(*offset));
            result.fields.push(Field { object, offset: *offset, size });
        }
        let end = FieldId(u32::try_from(result.fields.len()).unwrap_or(u32::MAX));
        let outer = o.regions.iter().find(|r| r.start == 0 && o.size.is_none_or(|size| r.end >= size));
        result.objects.push(AbstractObject {
            kind: o.kind,
            at: place(module, o.kind, &chain),
            name,
            size: o.size,
            chain,
            made_at: std::mem::take(&mut made_at[id]),
            stride: outer.map_or(0, |r| r.stride),
            shape: o.shape.clone(),
            layout: o.ty,
            fields: (first, end),
        });
    }
    let mut frozen = Frozen { regions: (0u32..).zip(&solver.objects).map(|(object, _)| regions(object)).collect(), ..Frozen::default() };
    frozen.locs = solver
        .locs
        .iter()
        .map(|(object, offset, _)| {
            if *object == NOBODY {
                return (ObjectId(NOBODY), None);
            }
            let o = &solver.objects[*object as usize];
            let at = |offset: u64| if whole.contains_key(object) || is_before(offset) { 0 } else { o.canonical(offset) };
            (ObjectId(*object), offset.map(|offset| field_at[&(*object, at(offset))]))
        })
        .collect();
    let before = (0u32..).zip(&solver.locs).filter(|(_, (object, offset, _))| *object != NOBODY && offset.is_some_and(is_before));
    frozen.before = before.map(|(loc, _)| loc).collect();
    let mut set_ids = FxHashMap::default();
    let nodes = solver.node_count();
    let mut by_node = vec![u32::MAX; nodes];
    for node in 0..u32::try_from(nodes).unwrap_or(0) {
        let representative = solver.representative(node) as usize;
        if by_node[representative] == u32::MAX {
            let set = solver.points_to(node);
            let next = u32::try_from(frozen.sets.len()).unwrap_or(u32::MAX);
            let id = *set_ids.entry(set.clone()).or_insert(next);
            if id == next {
                frozen.sets.push(set.clone());
            }
            by_node[representative] = id;
        }
        by_node[node as usize] = by_node[representative];
    }
    let contents = result
        .fields
        .iter()
        .map(|field| {
            let o = &solver.objects[field.object.0 as usize];
            let cell = || solver.locs[o.locs[&field.offset] as usize].2;
            let both = whole.get(&field.object.0).copied().unwrap_or_else(|| [cell(), solver.numbers(cell())]);
            let [pointers, numbers] = both.map(|node| by_node[node as usize]);
            if pointers == numbers {
                return pointers;
            }
            let mut both = frozen.sets[pointers as usize].clone();
            both.extend(&frozen.sets[numbers as usize]);
            let next = u32::try_from(frozen.sets.len()).unwrap_or(u32::MAX);
            let id = *set_ids.entry(both.clone()).or_insert(next);
            if id == next {
                frozen.sets.push(both);
            }
            id
        })
        .collect();
    frozen.contents = contents;
    drop(set_ids);
    frozen.operands = builder.operands.iter().map(|(operand, node)| (*operand, by_node[*node as usize])).collect();
    frozen.by_function = vec![Vec::new(); module.functions.len()];
    for (i, instance) in builder.instances.iter().enumerate() {
        let id = InstanceId(u32::try_from(i).unwrap_or(u32::MAX));
        frozen.by_function[instance.function.index()].push(id);
        frozen.bases.push(instance.base);
        let caller = instance.caller.map(|(up, instr)| {
            let f = &module.functions[builder.instances[up as usize].function.index()];
            (InstanceId(up), f.instrs[instr as usize].ordinal.unwrap_or(u32::MAX))
        });
        result.instances.push(Instance { function: instance.function, caller });
    }
    for all in &mut frozen.by_function {
        all.sort_by_key(|id| (result.instances[id.0 as usize].caller.is_some(), *id));
    }
    let ordinal = |instance: u32, instr: u32| {
        let f = &module.functions[builder.instances[instance as usize].function.index()];
        f.instrs[instr as usize].ordinal.unwrap_or(u32::MAX)
    };
    for ((instance, instr), targets) in &builder.targets {
        let mut targets = targets.clone();
        targets.sort_unstable();
        targets.dedup();
        frozen.targets.insert((InstanceId(*instance), ordinal(*instance, *instr)), targets);
    }
    for ((instance, instr), targets) in &builder.callbacks {
        let mut targets: Vec<InstanceId> = targets.iter().map(|t| InstanceId(*t)).collect();
        targets.sort_unstable();
        targets.dedup();
        frozen.callbacks.insert((InstanceId(*instance), ordinal(*instance, *instr)), targets);
    }
    let mut functions: Vec<FunctionId> = Vec::new();
    for loc in solver.points_to(solver.escape).iter() {
        if let ObjectKind::Function(f) = solver.objects[solver.locs[loc as usize].0 as usize].kind {
            functions.push(f);
        }
    }
    functions.sort_unstable();
    frozen.escaped_functions = functions;
    let escaped = [solver.escape, builder.retained].map(|node| by_node[node as usize]);
    result.stats = Stats {
        instances: builder.instances.len(),
        constraints: solver.constraints,
        nodes: solver.distinct_nodes(),
        objects: result.objects.len(),
        fields: result.fields.len(),
        ..Stats::default()
    };
    frozen.by_node = by_node;
    result.frozen = frozen;
    let mut all = result.expand(escaped[0]);
    all.extend(result.expand(escaped[1]));
    result.frozen.escaped = result.reachable(&all);
    figures(&mut result, module);
    result.stats.seconds = start.elapsed().as_secs_f64();
    result
}

fn collapsed(regions: &[Region]) -> bool {
    regions.contains(&Region::WHOLE)
}

/// The call sites that lead to an allocation, from the allocation outwards.
fn chain(builder: &Builder<'_>, kind: ObjectKind, instance: u32) -> Vec<SiteRef> {
    let mut sites = Vec::new();
    match kind {
        ObjectKind::Heap(site) => sites.push(site),
        ObjectKind::Stack(..) | ObjectKind::ByVal(..) => {}
        _ => return sites,
    }
    let mut at = instance;
    while let Some((up, instr)) = builder.instances[at as usize].caller {
        let function = builder.instances[up as usize].function;
        let instr = &builder.module.functions[function.index()].instrs[instr as usize];
        sites.push(SiteRef { function, ordinal: instr.ordinal.unwrap_or(u32::MAX) });
        at = up;
    }
    sites
}

fn site_text(module: &Module, site: SiteRef) -> String {
    let f = &module.functions[site.function.index()];
    match location(module, site) {
        Some(at) => format!("{}:{}", f.name, at.line),
        None => format!("{}:@{}", f.name, site.ordinal),
    }
}

fn location(module: &Module, site: SiteRef) -> Option<Location> {
    let f = &module.functions[site.function.index()];
    f.site(site.ordinal).and_then(|index| f.instrs[index].at)
}

fn heap_name(module: &Module, chain: &[SiteRef]) -> String {
    let sites: Vec<String> = chain.iter().map(|site| site_text(module, *site)).collect();
    format!("heap:{}", sites.join("<"))
}

fn chain_name(module: &Module, chain: &[SiteRef]) -> String {
    chain.iter().map(|site| format!("<{}", site_text(module, *site))).collect()
}

fn place(module: &Module, kind: ObjectKind, chain: &[SiteRef]) -> Option<Location> {
    match kind {
        ObjectKind::Global(id) => module.globals[id.index()].at,
        ObjectKind::Function(id) => module.functions[id.index()].at,
        ObjectKind::Stack(f, index) => {
            let f = &module.functions[f.index()];
            f.instrs[index as usize].at.or(f.at)
        }
        ObjectKind::Heap(_) => chain.last().and_then(|site| location(module, *site)),
        _ => None,
    }
}

/// Means over the sites of reached functions.
fn figures(result: &mut PointsTo, module: &Module) {
    let (mut sites, mut fields, mut objects, mut max) = (0usize, 0usize, 0usize, 0usize);
    let (mut indirect, mut targets) = (0usize, 0usize);
    let mut sizes: FxHashMap<(Vec<u32>, Access), (usize, usize)> = FxHashMap::default();
    for (i, f) in module.functions.iter().enumerate() {
        let id = FunctionId::from(i);
        let instances = result.instances_of(id).to_vec();
        if instances.is_empty() {
            continue;
        }
        for (index, instr) in f.instrs.iter().enumerate() {
            match &instr.kind {
                InstrKind::Load { ptr, access } | InstrKind::Store { ptr, access, .. } => {
                    let sets = result.sets_of(id, *ptr);
                    let of_type = |(sets, access): &(Vec<u32>, Access)| result.sizes(module, sets, access);
                    let (places, of) = *sizes.entry((sets, *access)).or_insert_with_key(of_type);
                    sites += 1;
                    fields += places;
                    max = max.max(places);
                    objects += of;
                }
                InstrKind::Call(call) if matches!(call.callee, Callee::Indirect(_)) => {
                    indirect += 1;
                    let ordinal = f.instrs[index].ordinal.unwrap_or(u32::MAX);
                    let mut called: Vec<(u8, u32)> = Vec::new();
                    for instance in &instances {
                        called.extend(result.callees(*instance, ordinal).iter().map(|t| match t {
                            Target::Function(i) => (0, result.instance(*i).function.0),
                            Target::External(e) => (1, e.0),
                            Target::Unknown => (2, 0),
                        }));
                    }
                    called.sort_unstable();
                    called.dedup();
                    targets += called.len();
                }
                _ => {}
            }
        }
    }
    let mean = |sum: usize, count: usize| if count == 0 { 0.0 } else { sum as f64 / count as f64 };
    result.stats.sites = sites;
    result.stats.mean_fields = mean(fields, sites);
    result.stats.mean_objects = mean(objects, sites);
    result.stats.max_fields = max;
    result.stats.indirect_sites = indirect;
    result.stats.mean_targets = mean(targets, indirect);
}
