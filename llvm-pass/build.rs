//! Builds the C++ shim against the headers of LLVM 19.
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=src/shim.cpp");
    let prefix = std::env::var("LLVM_SYS_191_PREFIX").unwrap_or_else(|_| "/usr/lib/llvm-19".into());
    let config = format!("{prefix}/bin/llvm-config");
    let out = Command::new(&config).arg("--includedir").output();
    let include = match out {
        Ok(o) if o.status.success() => String::from_utf8_lossy(&o.stdout).trim().to_string(),
        _ => {
            println!("cargo:error={config} does not run: apt-get install llvm-19-dev");
            return;
        }
    };
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .flag("-fno-exceptions")
        .flag(format!("-isystem{include}"))
        .define("_GNU_SOURCE", None)
        .define("__STDC_CONSTANT_MACROS", None)
        .define("__STDC_LIMIT_MACROS", None)
        .file("src/shim.cpp")
        .compile("itarget_shim");
}
