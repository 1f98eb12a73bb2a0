//! Objects that `ld -r` made of several: GNU ld puts their bitcode into one section, one module behind the other, which lld can't
//! read. Such an object is copied, with the modules linked into one; or without, where some of the objects had none.

use super::tools;
use crate::errors::Error;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::path::Path;
use std::process::Command;

/// Where clang keeps bitcode in objects that have both.
const SECTION: &str = ".llvm.lto";
/// What a module begins with.
const MAGIC: [u8; 4] = *b"BC\xc0\xde";

/// The modules in a section, each from its magic number on; empty if that is not what it holds.
///
/// LLVM's bitstream: after the magic number, blocks with a header of two words, of which the second says how many more there are
/// (LLVM Bitcode File Format, "Blocks").
fn modules(bytes: &[u8]) -> Vec<&[u8]> {
    let word = |at: usize| bytes.get(at..at + 4).map(|w| <[u8; 4]>::try_from(w).unwrap_or_default());
    let (mut starts, mut at) = (vec![], 0);
    while let Some(first) = word(at) {
        // Sections are filled up with zeros.
        if first == MAGIC {
            starts.push(at);
            at += 4;
        } else if first == [0; 4] {
            at += 4;
        } else if first[0] & 3 == 1
            && let Some(words) = word(at + 4)
        {
            at = at.saturating_add(8).saturating_add(u32::from_le_bytes(words) as usize * 4);
        } else {
            return vec![];
        }
    }
    if at != bytes.len() {
        return vec![];
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).map(|(from, to)| &bytes[*from..to]).collect()
}

/// The arguments of a link, with copies in `tmp` in the place of objects that hold several modules.
///
/// # Errors
/// IT0202 (llvm-link or llvm-objcopy is missing, or fails), IT0206.
pub fn arguments(args: &[String], tmp: &str) -> Result<Vec<String>, Error> {
    let is_output = |i: usize| i > 0 && args[i - 1] == "-o";
    args.iter().enumerate().map(|(i, arg)| Ok(if is_output(i) { None } else { copy(arg, tmp, i)? }.unwrap_or_else(|| arg.clone()))).collect()
}

/// The copy of an argument that names such an object.
fn copy(arg: &str, tmp: &str, number: usize) -> Result<Option<String>, Error> {
    let named = Path::new(arg).extension().is_some_and(|e| e == "o" || e == "lo");
    let Some(bytes) = std::fs::read(arg).ok().filter(|_| named) else { return Ok(None) };
    let Ok(file) = object::File::parse(&*bytes) else { return Ok(None) };
    let parts = file.section_by_name(SECTION).and_then(|s| s.data().ok()).map(modules).unwrap_or_default();
    // Every source has a symbol of its name.
    let sources = file.symbols().filter(|s| s.kind() == SymbolKind::File).count();
    let object = format!("{tmp}/joined-{number}.o");
    if !parts.is_empty() && sources > parts.len() {
        done(Command::new(tools::llvm("llvm-objcopy")).arg(format!("--remove-section={SECTION}")).args([arg, &object]), arg)?;
        return Ok(Some(object));
    }
    if parts.len() < 2 {
        return Ok(None);
    }
    let whole = format!("{tmp}/joined-{number}.bc");
    let mut link = Command::new(tools::llvm("llvm-link"));
    link.args(["-o", &whole]);
    for (i, part) in parts.iter().enumerate() {
        let file = format!("{tmp}/joined-{number}-{i}.bc");
        std::fs::write(&file, part).map_err(|e| Error::new("IT0206", format!("{file}: {e}")))?;
        link.arg(file);
    }
    done(&mut link, arg)?;
    done(Command::new(tools::llvm("llvm-objcopy")).arg(format!("--update-section={SECTION}={whole}")).args([arg, &object]), arg)?;
    Ok(Some(object))
}

fn done(command: &mut Command, of: &str) -> Result<(), Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(o) if o.status.success() => Ok(()),
        Ok(o) => Err(Error::new("IT0202", format!("{name} can't join the modules of {of}: {}", String::from_utf8_lossy(&o.stderr).trim()))
            .hint("link the objects that it was made of, without `ld -r`")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(tools::missing(&name)),
        Err(e) => Err(Error::new("IT0202", format!("{name}: {e}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module of a block with that many words.
    fn module(words: u32) -> Vec<u8> {
        let mut m = MAGIC.to_vec();
        m.extend([0x35, 0x14, 0, 0]);
        m.extend(words.to_le_bytes());
        m.extend(vec![0xff; words as usize * 4]);
        m
    }

    #[test]
    fn modules_end_where_their_blocks_do() {
        let (a, b) = (module(3), module(0));
        assert_eq!(modules(&a), [&a[..]]);
        assert_eq!(modules(&[a.clone(), b.clone()].concat()), [&a[..], &b[..]]);
        let filled = [a.clone(), vec![0; 4]].concat();
        assert_eq!(modules(&[filled.clone(), b.clone()].concat()), [&filled[..], &b[..]]);
        for wrong in [&b"text"[..], &a[..a.len() - 1], &[&a[..], b"more"].concat()] {
            assert_eq!(modules(wrong), Vec::<&[u8]>::new());
        }
        assert_eq!(modules(b""), Vec::<&[u8]>::new());
    }
}
