//! Annotations that a function's own type contradicts: a parameter that does not exist, bytes written
//! through an integer, a result of a function that has none.

use crate::model::{Class, Module, Signature};
use itarget_annotations::{Annotations, Function, Ret};

/// An annotation that can't be true of the function that the module calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The function.
    pub function: String,
    /// File of the annotation, as given to the parser.
    pub file: String,
    /// What can't be, as a sentence.
    pub message: String,
}

/// All of a module, by function as it declares them; `from` chooses the files that are looked at.
#[must_use]
pub fn find(module: &Module, annotations: &Annotations, from: &dyn Fn(&str) -> bool) -> Vec<Contradiction> {
    let mut all = Vec::new();
    for external in &module.externals {
        let Some(function) = annotations.function(&external.name).filter(|f| from(&f.source)) else { continue };
        let message = pointers(function, &external.signature).or_else(|| result(function.ret, &external.signature));
        all.extend(message.map(|message| Contradiction { function: external.name.clone(), file: function.source.clone(), message }));
    }
    all
}

/// Arguments that have to be pointers.
fn pointers(function: &Function, signature: &Signature) -> Option<String> {
    let regions = |what, list: &[itarget_annotations::Region]| list.iter().map(|r| (what, r.arg)).collect::<Vec<_>>();
    let mut used = regions("writes through", &function.writes);
    used.extend(regions("reads through", &function.reads));
    used.extend(function.retains.iter().map(|kept| ("keeps", kept.arg)));
    used.extend(function.frees.iter().map(|a| ("frees", *a)));
    if let Ret::Arg(a) | Ret::Into(a) = function.ret {
        used.push(("returns", a));
    }
    used.into_iter().find_map(|(what, arg)| match signature.params.get(usize::from(arg)) {
        None if signature.variadic => None,
        None => Some(format!("it {what} argument {arg}, but the function has {} parameters (the first is argument 0)", signature.params.len())),
        Some(Class::Pointer) => None,
        Some(_) => Some(format!("it {what} argument {arg}, which is no pointer")),
    })
}

fn result(ret: Ret, signature: &Signature) -> Option<String> {
    let message = match (ret, signature.ret) {
        (Ret::Void | Ret::NoReturn, _) => return None,
        (_, Class::Void) => "it says what the result is, but the function returns nothing",
        (Ret::Int, Class::Pointer) => "it says that the result is a number, but the function returns a pointer",
        (_, Class::Int(_) | Class::Float) if ret.is_pointer() => "it says that the result is a pointer, but the function returns a number",
        _ => return None,
    };
    Some(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(fields: &str, params: &[Class], ret: Class, variadic: bool) -> Option<String> {
        let text = format!("[[function]]\nnames = [\"f\"]\nkind = \"env\"\n{fields}\n");
        let all = Annotations::parse("f.toml", &text).expect("well formed");
        let function = all.function("f").expect("annotated");
        let signature = Signature { params: params.to_vec(), ret, variadic };
        pointers(function, &signature).or_else(|| result(function.ret, &signature))
    }

    #[test]
    fn parameters_that_do_not_exist_and_integers_written_through() {
        let two = [Class::Pointer, Class::Int(4)];
        let writes = |arg: u8| format!("ret = \"int\"\nwrites = [{{ arg = {arg}, len = \"4\" }}]");
        assert_eq!(said(&writes(0), &two, Class::Int(4), false), None);
        assert!(said(&writes(1), &two, Class::Int(4), false).is_some_and(|m| m.contains("no pointer")));
        assert!(said(&writes(2), &two, Class::Int(4), false).is_some_and(|m| m.contains("2 parameters")));
        assert_eq!(said(&writes(2), &two, Class::Int(4), true), None);
    }

    #[test]
    fn results_of_another_kind() {
        for (ret, class, wrong) in [
            ("int", Class::Void, true),
            ("void", Class::Int(4), false),
            ("int", Class::Pointer, true),
            ("external", Class::Int(8), true),
            ("external", Class::Pointer, false),
            ("int", Class::Float, false),
        ] {
            assert_eq!(said(&format!("ret = \"{ret}\""), &[], class, false).is_some(), wrong, "{ret} {class:?}");
        }
    }
}
