//! Maximum flow by push-relabel, between per-node supplies and per-node demands.
//!
//! The method is that of A. V. Goldberg and R. E. Tarjan, "A New Approach to the Maximum-Flow
//! Problem", Journal of the ACM 35(4), 1988, in the highest-label form with global relabeling and
//! the gap heuristic that B. V. Cherkassky and A. V. Goldberg, "On Implementing the Push-Relabel
//! Method for the Maximum Flow Problem", Algorithmica 19(4), 1997, found to be the fastest in
//! practice. (The gap heuristic goes back to U. Derigs and W. Meier, "Implementing Goldberg's
//! Max-Flow-Algorithm: A Computational Investigation", ZOR 33, 1989.) As there, a first phase moves
//! as much as possible to the sink, and a second one returns what got stuck to the source.
//!
//! Source and sink are not nodes here. The source is a supply per node, sent out at the start; the
//! sink is a demand per node. So the two nodes of enormous degree need no arcs at all.

/// "No node" in the bucket lists; there are never that many nodes.
const NONE: u32 = u32::MAX;

/// Weight of a relabeling, in scanned arcs, when deciding how much work justifies a global one
/// (Cherkassky and Goldberg's beta), and of a node in that decision (their alpha).
const RELABEL_WORK: u64 = 12;
const NODE_WORK: u64 = 6;

/// An edge between two inner nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InnerEdge {
    /// Where it starts.
    pub(crate) tail: u32,
    /// Where it ends.
    pub(crate) head: u32,
    /// How much fits; finite.
    pub(crate) cap: u64,
}

/// What remains of an edge in one direction.
#[derive(Clone, Copy, Debug)]
struct Arc {
    head: u32,
    /// Index of the opposite arc.
    twin: u32,
    residual: u64,
}

/// A maximum flow between supplies and demands.
#[derive(Debug)]
pub(crate) struct InnerFlow {
    /// Flow per edge, in the order given.
    pub(crate) edge_flow: Vec<u64>,
    /// Supply used, per node.
    pub(crate) supplied: Vec<u64>,
    /// Demand met, per node.
    pub(crate) met: Vec<u64>,
}

/// Computes a maximum flow. `supply` and `demand` have one entry per node.
///
/// The caller sees to it that the supplies add up to less than 2^64; every excess and every flow
/// is at most that sum or a capacity, so nothing overflows. There are fewer than 2^31 edges.
pub(crate) fn max_flow(supply: &[u64], demand: &[u64], edges: &[InnerEdge]) -> InnerFlow {
    let mut state = State::new(supply, demand, edges);
    state.push_to_sink();
    let returned = state.return_to_source(supply);
    let edge_flow = edges
        .iter()
        .zip(&state.arc_of_edge)
        .map(|(edge, &arc)| edge.cap - state.arcs[arc as usize].residual)
        .collect();
    let supplied = supply
        .iter()
        .zip(&returned)
        .map(|(all, back)| all - back)
        .collect();
    let met = demand
        .iter()
        .zip(&state.demand)
        .map(|(all, open)| all - open)
        .collect();
    InnerFlow {
        edge_flow,
        supplied,
        met,
    }
}

/// The residual graph and the labels of both phases.
struct State {
    nodes: usize,
    /// `arcs[first[v]..first[v + 1]]` leave `v`; from `backward[v]` on they run against their edge.
    first: Vec<u32>,
    backward: Vec<u32>,
    arcs: Vec<Arc>,
    arc_of_edge: Vec<u32>,
    excess: Vec<u64>,
    /// Demand not yet met.
    demand: Vec<u64>,
    /// Lower bound on the number of arcs to the sink; `dead` if the sink is out of reach.
    label: Vec<u32>,
    dead: u32,
    /// Where to go on looking for an admissible arc.
    current: Vec<u32>,
    buckets: Buckets,
    queue: Vec<u32>,
    work: u64,
}

impl State {
    fn new(supply: &[u64], demand: &[u64], edges: &[InnerEdge]) -> Self {
        let nodes = supply.len();
        let mut first = vec![0u32; nodes + 1];
        let mut backward = vec![0u32; nodes];
        for edge in edges {
            first[edge.tail as usize] += 1;
            backward[edge.head as usize] += 1;
        }
        let mut start = 0;
        for v in 0..nodes {
            let (out, into) = (first[v], backward[v]);
            first[v] = start;
            backward[v] = start + out;
            start += out + into;
        }
        first[nodes] = start;
        let mut next_forward = first.clone();
        let mut next_backward = backward.clone();
        let mut arcs = vec![
            Arc {
                head: 0,
                twin: 0,
                residual: 0
            };
            start as usize
        ];
        let mut arc_of_edge = Vec::with_capacity(edges.len());
        for edge in edges {
            let forth = next_forward[edge.tail as usize];
            let back = next_backward[edge.head as usize];
            next_forward[edge.tail as usize] += 1;
            next_backward[edge.head as usize] += 1;
            arcs[forth as usize] = Arc {
                head: edge.head,
                twin: back,
                residual: edge.cap,
            };
            arcs[back as usize] = Arc {
                head: edge.tail,
                twin: forth,
                residual: 0,
            };
            arc_of_edge.push(forth);
        }
        let dead = nodes as u32 + 1;
        State {
            nodes,
            current: next_forward,
            first,
            backward,
            arcs,
            arc_of_edge,
            excess: supply.to_vec(),
            demand: demand.to_vec(),
            label: vec![dead; nodes],
            dead,
            buckets: Buckets::new(nodes),
            queue: Vec::with_capacity(nodes),
            work: 0,
        }
    }

    fn arc_range(&self, v: usize) -> std::ops::Range<usize> {
        self.first[v] as usize..self.first[v + 1] as usize
    }

    /// First phase: a maximum preflow.
    fn push_to_sink(&mut self) {
        for v in 0..self.nodes {
            let direct = self.excess[v].min(self.demand[v]);
            self.excess[v] -= direct;
            self.demand[v] -= direct;
        }
        self.global_relabel();
        let threshold = 2 * (NODE_WORK * self.nodes as u64 + self.arcs.len() as u64 / 2);
        while let Some(v) = self.buckets.pop_highest() {
            self.discharge(v as usize);
            if self.work > threshold {
                self.global_relabel();
            }
        }
    }

    /// Makes every label the exact distance to the sink, by breadth-first search from it.
    fn global_relabel(&mut self) {
        self.work = 0;
        self.label.fill(self.dead);
        self.buckets.clear();
        let mut queue = std::mem::take(&mut self.queue);
        queue.clear();
        for v in 0..self.nodes {
            if self.demand[v] > 0 {
                self.label[v] = 1;
                queue.push(v as u32);
            }
        }
        let mut next = 0;
        while let Some(&v) = queue.get(next) {
            next += 1;
            let v = v as usize;
            let label = self.label[v];
            self.current[v] = self.first[v];
            self.buckets.insert(v as u32, label, self.excess[v] > 0);
            for arc in self.arc_range(v) {
                let Arc { head, twin, .. } = self.arcs[arc];
                if self.label[head as usize] == self.dead && self.arcs[twin as usize].residual > 0 {
                    self.label[head as usize] = label + 1;
                    queue.push(head);
                }
            }
        }
        self.queue = queue;
    }

    /// Pushes the excess of `v`, which is in no bucket, until it is gone or `v` has been relabeled
    /// out of reach of the sink; then puts `v` back into its bucket.
    fn discharge(&mut self, v: usize) {
        loop {
            let label = self.label[v];
            if self.push_all(v, label) {
                self.buckets.insert(v as u32, label, false);
                return;
            }
            if self.buckets.is_empty(label) {
                // No node is left at this distance, so nothing farther can reach the sink.
                self.label[v] = self.dead;
                self.buckets.drain_above(label, &mut self.label, self.dead);
                return;
            }
            let lifted = self.relabel(v);
            if lifted >= self.dead {
                self.label[v] = self.dead;
                return;
            }
            self.label[v] = lifted;
        }
    }

    /// Pushes along admissible arcs; true if the excess of `v` is gone.
    fn push_all(&mut self, v: usize, label: u32) -> bool {
        let mut excess = self.excess[v];
        if label == 1 {
            let amount = excess.min(self.demand[v]);
            excess -= amount;
            self.demand[v] -= amount;
        }
        let end = self.first[v + 1];
        let mut at = self.current[v];
        while excess > 0 && at < end {
            let Arc {
                head,
                twin,
                residual,
            } = self.arcs[at as usize];
            let w = head as usize;
            if residual > 0 && self.label[w] + 1 == label {
                let amount = excess.min(residual);
                self.arcs[at as usize].residual -= amount;
                self.arcs[twin as usize].residual += amount;
                excess -= amount;
                if self.excess[w] == 0 {
                    self.buckets.activate(head, label - 1);
                }
                self.excess[w] += amount;
                if excess == 0 {
                    break;
                }
            }
            at += 1;
        }
        self.current[v] = at;
        self.excess[v] = excess;
        excess == 0
    }

    /// The smallest label that makes an arc of `v` admissible; makes that arc the current one.
    ///
    /// The demand of `v` plays no part: while it is open the label is 1, and whoever comes here from
    /// label 1 has just met it.
    fn relabel(&mut self, v: usize) -> u32 {
        self.work += RELABEL_WORK + self.arc_range(v).len() as u64;
        self.current[v] = self.first[v];
        let mut lowest = self.dead;
        for at in self.arc_range(v) {
            let arc = self.arcs[at];
            if arc.residual > 0 && self.label[arc.head as usize] < lowest {
                lowest = self.label[arc.head as usize];
                self.current[v] = at as u32;
            }
        }
        lowest + 1
    }

    /// Second phase: turns the preflow into a flow by sending stuck excess back to the source; the
    /// result is the supply returned per node.
    fn return_to_source(&mut self, supply: &[u64]) -> Vec<u64> {
        let mut returned = vec![0u64; self.nodes];
        for v in 0..self.nodes {
            returned[v] = self.excess[v].min(supply[v]);
            self.excess[v] -= returned[v];
        }
        // What is left came in along arcs. Against acyclic flow, nodes can be emptied one by one.
        for v in self.order_against_flow() {
            let v = v as usize;
            let own = self.excess[v].min(supply[v] - returned[v]);
            returned[v] += own;
            self.excess[v] -= own;
            for at in self.backward[v] as usize..self.first[v + 1] as usize {
                if self.excess[v] == 0 {
                    break;
                }
                let Arc {
                    head,
                    twin,
                    residual,
                } = self.arcs[at];
                let amount = self.excess[v].min(residual);
                self.arcs[at].residual -= amount;
                self.arcs[twin as usize].residual += amount;
                self.excess[v] -= amount;
                self.excess[head as usize] += amount;
            }
        }
        debug_assert!(
            self.excess.iter().all(|&e| e == 0),
            "a preflow's excess has always come in somewhere"
        );
        returned
    }

    /// All nodes from which excess may have to flow back, each before those that its inflow comes
    /// from. Cancels the cycles of flow it meets on the way, since they admit no such order.
    fn order_against_flow(&mut self) -> Vec<u32> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            OnPath,
            Done,
        }
        let mut mark = vec![Mark::New; self.nodes];
        let mut at = self.backward.clone();
        let mut path: Vec<u32> = Vec::new();
        let mut finished = Vec::new();
        for root in 0..self.nodes {
            if self.excess[root] == 0 || mark[root] != Mark::New {
                continue;
            }
            mark[root] = Mark::OnPath;
            path.push(root as u32);
            while let Some(&v) = path.last() {
                let v = v as usize;
                if at[v] == self.first[v + 1] {
                    mark[v] = Mark::Done;
                    finished.push(v as u32);
                    path.pop();
                    continue;
                }
                let Arc { head, residual, .. } = self.arcs[at[v] as usize];
                if residual == 0 || mark[head as usize] == Mark::Done {
                    at[v] += 1;
                } else if mark[head as usize] == Mark::New {
                    mark[head as usize] = Mark::OnPath;
                    path.push(head);
                } else {
                    // The path from `head` to `v` closes a cycle. Cancel it, and resume at the
                    // first node whose arc is now empty. Arcs already passed stay irrelevant.
                    let from = path.iter().rposition(|&w| w == head).unwrap_or(0);
                    let amount = path[from..]
                        .iter()
                        .map(|&w| self.arcs[at[w as usize] as usize].residual)
                        .min()
                        .unwrap_or(0);
                    let mut keep = path.len();
                    for i in (from..path.len()).rev() {
                        let arc = at[path[i] as usize] as usize;
                        self.arcs[arc].residual -= amount;
                        let twin = self.arcs[arc].twin as usize;
                        self.arcs[twin].residual += amount;
                        if self.arcs[arc].residual == 0 {
                            keep = i + 1;
                        }
                    }
                    for w in path.drain(keep..) {
                        mark[w as usize] = Mark::New;
                    }
                }
            }
        }
        finished.reverse();
        finished
    }
}

/// Nodes by label: active ones (with excess) on a stack per label, the others in a doubly linked
/// list per label, so that they can be activated or cut off without a search.
struct Buckets {
    active: Vec<u32>,
    idle: Vec<u32>,
    next: Vec<u32>,
    prev: Vec<u32>,
    highest_active: u32,
    highest: u32,
}

impl Buckets {
    fn new(nodes: usize) -> Self {
        Buckets {
            active: vec![NONE; nodes + 2],
            idle: vec![NONE; nodes + 2],
            next: vec![NONE; nodes],
            prev: vec![NONE; nodes],
            highest_active: 0,
            highest: 0,
        }
    }

    fn clear(&mut self) {
        let used = self.highest as usize + 1;
        self.active[..used].fill(NONE);
        self.idle[..used].fill(NONE);
        self.highest_active = 0;
        self.highest = 0;
    }

    fn is_empty(&self, label: u32) -> bool {
        self.active[label as usize] == NONE && self.idle[label as usize] == NONE
    }

    fn insert(&mut self, v: u32, label: u32, is_active: bool) {
        self.highest = self.highest.max(label);
        let list = if is_active {
            &mut self.active
        } else {
            &mut self.idle
        };
        let old = std::mem::replace(&mut list[label as usize], v);
        self.next[v as usize] = old;
        if is_active {
            self.highest_active = self.highest_active.max(label);
        } else {
            self.prev[v as usize] = NONE;
            if old != NONE {
                self.prev[old as usize] = v;
            }
        }
    }

    /// Moves an idle node to the active ones.
    fn activate(&mut self, v: u32, label: u32) {
        let (next, prev) = (self.next[v as usize], self.prev[v as usize]);
        if prev == NONE {
            self.idle[label as usize] = next;
        } else {
            self.next[prev as usize] = next;
        }
        if next != NONE {
            self.prev[next as usize] = prev;
        }
        self.insert(v, label, true);
    }

    /// Takes out an active node of the highest label.
    fn pop_highest(&mut self) -> Option<u32> {
        loop {
            let v = self.active[self.highest_active as usize];
            if v != NONE {
                self.active[self.highest_active as usize] = self.next[v as usize];
                return Some(v);
            }
            if self.highest_active == 0 {
                return None;
            }
            self.highest_active -= 1;
        }
    }

    /// Takes out every node above `label` and declares it dead.
    fn drain_above(&mut self, label: u32, labels: &mut [u32], dead: u32) {
        for level in label as usize + 1..=self.highest as usize {
            for list in [&mut self.active, &mut self.idle] {
                let mut v = std::mem::replace(&mut list[level], NONE);
                while v != NONE {
                    labels[v as usize] = dead;
                    v = self.next[v as usize];
                }
            }
        }
        self.highest = label;
        self.highest_active = self.highest_active.min(label);
    }
}
