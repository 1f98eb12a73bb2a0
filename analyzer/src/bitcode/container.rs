//! Finds the bitcode in a file: raw, in an object's or executable's section, in an archive.

use super::error::{LoadError, LoadErrorCode as Code};
use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection};

/// One module's bitcode.
pub(super) struct Part {
    /// For messages.
    pub(super) name: String,
    /// Raw bitcode.
    pub(super) bytes: Vec<u8>,
}

/// Section of an instrumented executable: zstd-compressed bitcode of the whole program.
const PROGRAM_SECTION: &str = ".itarget.bc";

/// Largest bitcode accepted from a compressed section, in bytes.
const MAX_EXPANDED: u64 = 4 << 30;

/// Appends the modules in `bytes` to `parts`, in file order.
pub(super) fn bitcode_in(name: &str, bytes: Vec<u8>, parts: &mut Vec<Part>) -> Result<(), LoadError> {
    if bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(&[0xde, 0xc0, 0x17, 0x0b]) {
        parts.push(Part { name: name.to_owned(), bytes });
        return Ok(());
    }
    if bytes.starts_with(b"!<arch>\n") {
        return archive(name, &bytes, parts);
    }
    if bytes.starts_with(b"!<thin>\n") {
        return Err(LoadError::new(Code::NotBitcode, name, "a thin archive holds no files; give its members"));
    }
    if bytes.starts_with(b"\x7fELF") {
        parts.push(Part { name: name.to_owned(), bytes: elf(name, &bytes)? });
        return Ok(());
    }
    let detail = if bytes.is_empty() { "the file is empty" } else { "unknown file format" };
    Err(LoadError::new(Code::NotBitcode, name, detail))
}

fn archive(name: &str, bytes: &[u8], parts: &mut Vec<Part>) -> Result<(), LoadError> {
    let malformed = |error: object::Error| LoadError::new(Code::Malformed, name, error.to_string());
    let before = parts.len();
    let archive = ArchiveFile::parse(bytes).map_err(malformed)?;
    for member in archive.members() {
        let member = member.map_err(malformed)?;
        let label = format!("{name}({})", String::from_utf8_lossy(member.name()));
        let data = member.data(bytes).map_err(malformed)?;
        bitcode_in(&label, data.to_vec(), parts)?;
    }
    if parts.len() == before {
        return Err(LoadError::new(Code::NoBitcode, name, "the archive has no members"));
    }
    Ok(())
}

fn elf(name: &str, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let file = object::File::parse(bytes)
        .map_err(|error| LoadError::new(Code::Malformed, name, error.to_string()))?;
    let malformed = |error: object::Error| LoadError::new(Code::Malformed, name, error.to_string());
    if let Some(section) = file.section_by_name(PROGRAM_SECTION) {
        let packed = section.data().map_err(malformed)?;
        return unpack(name, packed);
    }
    for wanted in [".llvm.lto", ".llvmbc"] {
        if let Some(section) = file.section_by_name(wanted) {
            let data = section.data().map_err(malformed)?;
            if data.is_empty() {
                return Err(LoadError::new(Code::Malformed, name, format!("section {wanted} is empty")));
            }
            return Ok(data.to_vec());
        }
    }
    let detail = match file.kind() {
        object::ObjectKind::Relocatable => "this object file was not compiled with -flto",
        _ => "this executable or library was not built with itarget-cc",
    };
    Err(LoadError::new(Code::NoBitcode, name, detail))
}

fn unpack(name: &str, packed: &[u8]) -> Result<Vec<u8>, LoadError> {
    use std::io::Read;
    let malformed =
        |error: std::io::Error| LoadError::new(Code::Malformed, name, format!("section {PROGRAM_SECTION}: {error}"));
    let mut bytes = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(packed).map_err(malformed)?;
    decoder.take(MAX_EXPANDED).read_to_end(&mut bytes).map_err(malformed)?;
    Ok(bytes)
}
