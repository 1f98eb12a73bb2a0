//! Keeps bitcode, plan and link line in the executable, in sections that are never loaded.

use crate::config::Config;
use crate::ir::Ir;

/// Adds `.itarget.bc` (zstd), `.itarget.plan` (zstd), `.itarget.link` (JSON) and `.itarget.id` (SHA-256 of the module and of
/// the plan, 32 bytes each).
///
/// # Errors
/// A file in the work directory can't be read or written.
pub fn run(ir: &Ir, config: &Config, bitcode: &str, plan: &str, identity: &[u8; 64]) -> Result<(), String> {
    let bytes = std::fs::read(bitcode).map_err(|e| format!("IT0808: {bitcode}: {e}"))?;
    let parts = [
        (".itarget.bc", compress(&bytes)?),
        (".itarget.plan", compress(plan.as_bytes())?),
        (".itarget.link", config.link.to_string().into_bytes()),
        (".itarget.id", identity.to_vec()),
    ];
    for (section, bytes) in parts {
        let path = config.work(&section[1..]);
        std::fs::write(&path, bytes).map_err(|e| format!("IT0808: {path}: {e}"))?;
        let quoted = path.replace('\\', "\\\\").replace('"', "\\\"");
        ir.module_asm(&format!(
            "\n.pushsection {section},\"\",@progbits\n.incbin \"{quoted}\"\n.popsection\n"
        ));
    }
    Ok(())
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, String> {
    zstd::encode_all(bytes, 3).map_err(|e| format!("IT0808: compression: {e}"))
}
