//! Unknown places in objects: what is loaded from there may be any cell's, and what is stored there may be in any.

use super::objects::Loc;
use super::solver::{Node, Solver};

impl Solver<'_> {
    /// The location "anywhere in the object".
    pub(super) fn anywhere(&mut self, object: u32) -> Loc {
        if self.objects[object as usize].flat {
            return self.loc(object, 0);
        }
        match self.objects[object as usize].block {
            Some((first, _)) => first,
            None => self.new_block(object),
        }
    }

    /// The node of what is loaded from an unknown place in an object.
    pub(super) fn any_out(&mut self, object: u32) -> Node {
        if self.objects[object as usize].flat {
            return self.contents(object, 0);
        }
        if let Some(node) = self.objects[object as usize].any_out {
            return node;
        }
        let node = self.cell();
        self.objects[object as usize].any_out = Some(node);
        for i in 0..self.objects[object as usize].offsets.len() {
            let field = self.contents_at(object, i);
            self.flow(field, node);
        }
        if let Some(any_in) = self.objects[object as usize].any_in {
            self.flow(any_in, node);
        }
        node
    }

    /// The node of what is stored to an unknown place in an object.
    pub(super) fn any_in(&mut self, object: u32) -> Node {
        if self.objects[object as usize].flat {
            return self.contents(object, 0);
        }
        if let Some(node) = self.objects[object as usize].any_in {
            return node;
        }
        let node = self.cell();
        self.objects[object as usize].any_in = Some(node);
        for i in 0..self.objects[object as usize].offsets.len() {
            let field = self.contents_at(object, i);
            self.flow(node, field);
        }
        if let Some(any_out) = self.objects[object as usize].any_out {
            self.flow(node, any_out);
        }
        for i in 0..self.objects[object as usize].copies.len() {
            let (_, len, to, into) = self.objects[object as usize].copies[i];
            let targets = self.pointers_within(to, into, len).unwrap_or_else(|| vec![self.any_in(to)]);
            targets.into_iter().for_each(|target| self.flow(node, target));
        }
        node
    }

    /// Nodes of all that is stored in an object, as pointers and as numbers.
    pub(super) fn everything(&mut self, object: u32) -> [Node; 2] {
        let cell = self.any_out(object);
        [cell, self.numbers(cell)]
    }
}
