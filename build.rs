//! Compresses the man pages and the scripts of shells, which are a fortieth of the
//! program otherwise, and packs the relocations of the program (RELR), where the C
//! library can read them.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use miniz_oxide::deflate::compress_to_vec;

/// The directories of documents.
const DIRECTORIES: [&str; 3] = ["completions", "man", "shell-init"];

/// The best compression of deflate.
const LEVEL: u8 = 10;

/// The first version of glibc that reads packed relocations.
const FIRST_GLIBC: (u32, u32) = (2, 36);

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    compress_documents()?;
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let is_glibc = variable("CARGO_CFG_TARGET_OS") == "linux"
        && variable("CARGO_CFG_TARGET_ENV") == "gnu"
        && variable("TARGET") == variable("HOST");
    if is_glibc && glibc_version().is_some_and(|version| version >= FIRST_GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    Ok(())
}

/// Writes all documents, one after the other and compressed, and a list of their names
/// and lengths.
fn compress_documents() -> Result<(), Box<dyn Error>> {
    let (mut texts, mut list) = (String::new(), "&[\n".to_owned());
    for directory in DIRECTORIES {
        println!("cargo::rerun-if-changed={directory}");
        let files = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
        let mut paths: Vec<_> = files.into_iter().map(|file| file.path()).collect();
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path)?;
            list += &format!("    ({path:?}, {}),\n", text.len());
            texts += &text;
        }
    }
    list += "]\n";
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("documents.rs"), list)?;
    fs::write(Path::new(&out).join("documents"), compress_to_vec(texts.as_bytes(), LEVEL))?;
    Ok(())
}

/// The version of this machine's glibc, such as 2.36.
fn glibc_version() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
