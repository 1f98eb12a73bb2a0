//! The threads of a program: which functions each may run, how many there may be of it, and what runs before there can be a
//! second one.

use super::bits::Bits;
use super::calls::{Graph, is_repeated};
use crate::model::{FunctionId, Module, Operand};

/// Threads by what they start with. The first is that of `main`.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// What each begins with; `None`: `main` and what runs before and after it.
    pub(super) roots: Vec<Option<FunctionId>>,
    /// There may be several at a time.
    pub(super) many: Vec<bool>,
    /// The threads that may run a function, by function. That of `main` counts once there may be others.
    pub(super) run_by: Vec<Bits>,
    /// Instructions of a function that the thread of `main` may run once there may be others, if not all.
    before: Vec<Option<Box<[bool]>>>,
    /// The thread of `main` may enter the function once there may be others.
    late: Vec<bool>,
    /// How often each function that leads to the start of a thread may run: see [`runs`].
    runs: Vec<u8>,
}

/// Once, or more often.
const MANY: u8 = 2;

impl Threads {
    pub(super) fn find(module: &Module, graph: &Graph) -> Threads {
        let mut starts: Vec<FunctionId> = graph.starts.iter().flat_map(|s| s.runs.iter().copied()).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut threads = Threads { roots: vec![None], ..Threads::default() };
        threads.roots.extend(starts.iter().map(|f| Some(*f)));
        let count = threads.roots.len();
        threads.run_by = vec![Bits::none(count); module.functions.len()];
        threads.late = vec![false; module.functions.len()];
        if graph.starts.is_empty() {
            threads.many = vec![false; count];
            return threads;
        }
        let (early, after) = entries(module);
        let all: Vec<usize> = (0..count).collect();
        for (root, function) in threads.roots.clone().iter().enumerate().skip(1) {
            threads.reach(graph, function.as_slice(), &[root]);
        }
        // Handlers and destructors may run in every thread.
        threads.reach(graph, &graph.anywhere, &all);
        let leads = leads(graph);
        threads.before = module.functions.iter().enumerate().map(|(i, f)| leads[i].then(|| started(f, graph, i, &leads))).collect();
        // Constructors run in no order that is known here, and functions of a library in none at all.
        let ordered = module.function("main").is_some_and(|main| early.iter().all(|f| *f == main || !leads[f.index()]));
        threads.late(graph, early.iter().map(|f| (*f, !ordered)).chain(after.iter().map(|f| (*f, true))).collect());
        // What nobody seems to call but the points-to analysis has seen: any thread's.
        let mut called = vec![false; module.functions.len()];
        mark(graph, &early, &mut called);
        mark(graph, &after, &mut called);
        mark(graph, &starts, &mut called);
        mark(graph, &graph.anywhere, &mut called);
        let mut anyone: Vec<FunctionId> = (0..called.len()).filter(|f| !called[*f] && graph.reached[*f]).map(FunctionId::from).collect();
        threads.reach(graph, &anyone, &all);
        anyone.extend(&graph.anywhere);
        let runs = runs(module, graph, &[early, after].concat(), &anyone);
        let no_main = module.function("main").is_none();
        threads.many = threads.roots.iter().map(|f| f.map_or(no_main, |f| runs[f.index()] == MANY)).collect();
        threads.runs = runs;
        threads
    }

    /// The threads that may run an instruction while there may be others; empty if none.
    pub(super) fn at(&self, function: usize, instr: usize) -> Bits {
        let mut run_by = self.run_by[function].clone();
        if self.late[function] || self.before[function].as_ref().is_some_and(|late| late[instr]) {
            run_by.add(0);
        }
        run_by
    }

    /// Whether there is no second thread yet when a function is called there, nor will be before it returns.
    pub(super) fn is_alone_in(&self, function: usize, instr: usize, callee: FunctionId) -> bool {
        self.at(function, instr).is_empty() && self.before[callee.index()].is_none()
    }

    /// Whether a function that starts threads runs once at most, whoever calls it.
    pub(super) fn runs_once(&self, function: usize) -> bool {
        self.runs.get(function).is_some_and(|n| *n < MANY)
    }

    /// Whether there is a second thread at all.
    pub(super) fn is_single(&self) -> bool {
        self.before.is_empty()
    }

    /// Whether both may be running at the same time.
    pub(super) fn parallel(&self, a: &Bits, b: &Bits) -> bool {
        a.iter().any(|x| b.iter().any(|y| x != y || self.many[x]))
    }

    fn reach(&mut self, graph: &Graph, from: &[FunctionId], roots: &[usize]) {
        let mut threads = Bits::none(self.roots.len());
        roots.iter().for_each(|r| threads.add(*r));
        let mut work = from.to_vec();
        while let Some(function) = work.pop() {
            if self.run_by[function.index()].join(&threads) {
                work.extend(graph.sites[function.index()].iter().flat_map(|s| &s.functions));
            }
        }
    }

    /// Finds what the thread of `main` may enter late.
    fn late(&mut self, graph: &Graph, mut work: Vec<(FunctionId, bool)>) {
        let mut seen = vec![false; self.late.len()];
        while let Some((function, late)) = work.pop() {
            let f = function.index();
            if seen[f] && (!late || self.late[f]) {
                continue;
            }
            seen[f] = true;
            self.late[f] |= late;
            for site in &graph.sites[f] {
                let late = self.late[f] || self.before[f].as_ref().is_some_and(|l| l[site.instr]);
                work.extend(site.functions.iter().map(|callee| (*callee, late)));
            }
        }
    }
}

/// `main` and constructors, and what runs after `main`; without `main`, all that is exported.
fn entries(module: &Module) -> (Vec<FunctionId>, Vec<FunctionId>) {
    let mut early: Vec<FunctionId> = match module.function("main") {
        Some(main) => vec![main],
        None => (0..module.functions.len()).filter(|f| module.functions[*f].exported).map(FunctionId::from).collect(),
    };
    let list = |name: &str| -> Vec<FunctionId> {
        let inits = module.globals.iter().filter(|g| g.name == name).flat_map(|g| &g.init);
        inits.filter_map(|(_, o)| if let Operand::Function(f) = o { Some(*f) } else { None }).collect()
    };
    early.extend(list("llvm.global_ctors"));
    (early, list("llvm.global_dtors"))
}

fn mark(graph: &Graph, from: &[FunctionId], seen: &mut [bool]) {
    let mut work = from.to_vec();
    while let Some(function) = work.pop() {
        if !std::mem::replace(&mut seen[function.index()], true) {
            work.extend(graph.sites[function.index()].iter().flat_map(|s| &s.functions));
        }
    }
}

/// Functions in which a thread may start, or in what they call; or from which on a handler may start one.
fn leads(graph: &Graph) -> Vec<bool> {
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); graph.sites.len()];
    for (caller, sites) in graph.sites.iter().enumerate() {
        sites.iter().flat_map(|s| &s.functions).for_each(|f| callers[f.index()].push(caller));
    }
    let mut leads = vec![false; graph.sites.len()];
    let mut work: Vec<usize> = graph.starts.iter().map(|s| s.function.index()).collect();
    while !work.is_empty() {
        while let Some(f) = work.pop() {
            if !std::mem::replace(&mut leads[f], true) {
                work.extend(&callers[f]);
            }
        }
        let handled = graph.registered.iter().filter(|(by, _, which)| !leads[by.index()] && which.iter().any(|f| leads[f.index()]));
        work.extend(handled.map(|(by, _, _)| by.index()));
    }
    leads
}

/// The instructions of a function before which a thread may have started in this run of it.
fn started(function: &crate::model::Function, graph: &Graph, index: usize, leads: &[bool]) -> Box<[bool]> {
    let mut after = vec![false; function.instrs.len()];
    let here = graph.starts.iter().filter(|s| s.function.index() == index).map(|s| s.instr);
    let below = graph.sites[index].iter().filter(|s| s.functions.iter().any(|f| leads[f.index()])).map(|s| s.instr);
    let handled = graph.registered.iter().filter(|(by, _, which)| by.index() == index && which.iter().any(|f| leads[f.index()])).map(|r| r.1);
    if function.returns_twice {
        return vec![true; function.instrs.len()].into();
    }
    let mut entered = vec![false; function.blocks.len()];
    let mut work = Vec::<u32>::new();
    for instr in here.chain(below).chain(handled) {
        let block = &function.blocks[function.instrs[instr].block as usize];
        after[instr + 1..block.end as usize].fill(true);
        work.extend(&block.successors);
    }
    while let Some(block) = work.pop() {
        if !std::mem::replace(&mut entered[block as usize], true) {
            let block = &function.blocks[block as usize];
            after[block.first as usize..block.end as usize].fill(true);
            work.extend(&block.successors);
        }
    }
    after.into()
}

/// How often each function may run in all: 0, 1, [`MANY`]. Only right for what leads to the start of a thread, and for these starts.
fn runs(module: &Module, graph: &Graph, once: &[FunctionId], often: &[FunctionId]) -> Vec<u8> {
    let count = module.functions.len();
    let leads = leads(graph);
    let mut runs = vec![0u8; count];
    // Edges into functions of interest, with whether the site may run repeatedly.
    let mut into: Vec<Vec<(usize, bool)>> = vec![Vec::new(); count];
    for (caller, sites) in graph.sites.iter().enumerate() {
        for site in sites {
            for callee in site.functions.iter().filter(|f| leads[f.index()]) {
                // The library may call back as often as it likes.
                let often = !site.externals.is_empty() || is_repeated(&module.functions[caller], site.instr);
                into[callee.index()].push((caller, often));
            }
        }
    }
    let mut work: Vec<usize> = (0..count).filter(|f| leads[*f]).collect();
    for start in &graph.starts {
        let repeated = is_repeated(&module.functions[start.function.index()], start.instr);
        for callee in &start.runs {
            into[callee.index()].push((start.function.index(), repeated));
            work.push(callee.index());
        }
    }
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); count];
    into.iter().enumerate().for_each(|(to, all)| all.iter().for_each(|(from, _)| out[*from].push(to)));
    let fixed = |f: usize| {
        let all = once.iter().filter(|e| e.index() == f).count();
        if often.iter().any(|a| a.index() == f) { MANY } else { u8::try_from(all).unwrap_or(MANY) }
    };
    while let Some(f) = work.pop() {
        let mut total = fixed(f);
        for (caller, repeated) in &into[f] {
            let of = if *repeated && runs[*caller] > 0 { MANY } else { runs[*caller] };
            total = (total + of).min(MANY);
        }
        if total > runs[f] {
            runs[f] = total;
            work.extend(&out[f]);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_of_a_kind_are_parallel_to_themselves() {
        let threads = Threads { roots: vec![None, None, None], many: vec![false, true, false], ..Threads::default() };
        let set = |of: &[usize]| {
            let mut bits = Bits::none(3);
            of.iter().for_each(|i| bits.add(*i));
            bits
        };
        assert!(!threads.parallel(&set(&[0]), &set(&[0])));
        assert!(threads.parallel(&set(&[1]), &set(&[1])));
        assert!(threads.parallel(&set(&[0]), &set(&[2])) && !threads.parallel(&set(&[2]), &set(&[2])));
    }
}
