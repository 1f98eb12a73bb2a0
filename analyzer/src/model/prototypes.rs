//! Types of functions as C declares them, as far as they tell functions apart that LLVM passes the same arguments.

use super::{Function, Module};

/// A type of functions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prototype {
    /// Result.
    pub ret: Parameter,
    /// Parameters.
    pub params: Vec<Parameter>,
    /// There may be more arguments than these: variadic, or declared without any.
    pub open: bool,
    /// A number for the type in full: pointers to `void` and to characters are told from others, too.
    pub exact: u32,
    /// The same without the names of structures that results and parameters lead to.
    pub shape: u32,
}

/// A parameter or result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// A number.
    Number,
    /// A pointer to a structure: index in [`Module::structures`].
    Structure(u32),
    /// Anything else.
    Other,
}

/// What is known of a structure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Structure {
    /// Its members are declared somewhere.
    pub defined: bool,
    /// The structures that are its first member.
    pub begins_with: Vec<u32>,
    /// Its members in order, by place and size in bits and name; none if they are declared in several ways.
    pub members: Vec<(u64, u64, String)>,
}

/// Deepest nesting of structures that is looked at.
const DEEPEST: u32 = 16;

impl Module {
    /// Whether a call by one of these types (none: an unknown one) may enter a function. C leaves a call by an incompatible type undefined (C17 6.3.2.3,
    /// paragraph 8). Programs do cast functions; where a cast shows as its address is taken, the function may be called by the type
    /// that it is cast to. Where it is not known how the address is taken, only pointers to different structures, and numbers
    /// for such pointers, count.
    #[must_use]
    pub fn may_enter(&self, calls: &[u32], function: &Function) -> bool {
        calls.is_empty() || calls.iter().any(|call| self.enters(*call, function))
    }

    /// Whether a function is cast to one of these types where its address is taken.
    #[must_use]
    pub fn is_cast_to(&self, calls: &[u32], function: &Function) -> bool {
        let Some(others) = &function.called_as else { return false };
        calls.iter().any(|call| others.contains(&self.prototypes[*call as usize].exact))
    }

    fn enters(&self, call: u32, function: &Function) -> bool {
        let Some(own) = function.prototype else { return true };
        if call == own {
            return true;
        }
        let (call, own) = (&self.prototypes[call as usize], &self.prototypes[own as usize]);
        if let Some(others) = function.called_as.as_ref().filter(|_| !call.open && !own.open) {
            return call.exact == own.exact || others.contains(&call.exact) || call.shape == own.shape && self.derived(call, own);
        }
        let pairs = call.params.iter().zip(&own.params).chain([(&call.ret, &own.ret)]);
        pairs.into_iter().all(|(a, b)| match (a, b) {
            (Parameter::Structure(a), Parameter::Structure(b)) => self.begins_with(*a, *b, 0) || self.begins_with(*b, *a, 0) || self.repeats(*a, *b),
            (Parameter::Structure(_), Parameter::Number) | (Parameter::Number, Parameter::Structure(_)) => false,
            _ => true,
        })
    }

    /// Two types of functions differ only in structures one of which repeats the other: a table of functions that is looked at by the table that it
    /// is derived from. Nowhere is a function cast then.
    fn derived(&self, one: &Prototype, other: &Prototype) -> bool {
        let pairs = one.params.iter().zip(&other.params).chain([(&one.ret, &other.ret)]);
        pairs.into_iter().all(|(a, b)| match (a, b) {
            (Parameter::Structure(a), Parameter::Structure(b)) => a == b || self.repeats(*a, *b),
            _ => a == b,
        })
    }

    /// One of the structures begins with all members of the other, by the same names: more than one.
    fn repeats(&self, one: u32, other: u32) -> bool {
        let (a, b) = (&self.structures[one as usize].members, &self.structures[other as usize].members);
        a.len().min(b.len()) > 1 && a.iter().zip(b).all(|(a, b)| a == b)
    }

    /// The structure is the other, or begins with it, or nobody knows what it is.
    fn begins_with(&self, structure: u32, other: u32, depth: u32) -> bool {
        let of = &self.structures[structure as usize];
        structure == other || !of.defined || depth > DEEPEST || of.begins_with.iter().any(|first| self.begins_with(*first, other, depth + 1))
    }
}
