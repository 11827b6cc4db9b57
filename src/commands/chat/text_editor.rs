//! The user's text editor.

use std::fs;
use std::io::Write;
use std::process::Command;

use anyhow::anyhow;

use crate::error::{Error, Result};
use crate::settings::environment::Environment;

/// Opens `text` in `$VISUAL` or `$EDITOR`, or else vi, and returns what it was made,
/// without one newline at its end.
///
/// # Errors
/// [`Error::Config`] if the editor cannot be run or fails, or the file cannot be
/// written or read.
pub fn edit(text: &str, environment: &Environment) -> Result<String> {
    let failed = |error: std::io::Error| Error::Config(anyhow!("cannot edit the text: {error}"));
    let mut file =
        tempfile::Builder::new().prefix("gravix-").suffix(".md").tempfile().map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(failed)?;
    let variable = ["VISUAL", "EDITOR"].into_iter().find_map(|name| environment.get(name));
    let editor = variable.unwrap_or("vi".as_ref()).to_owned();
    let mut script = editor.clone();
    // The variable may have options in it, so a shell reads it, as git does.
    script.push(" \"$@\"");
    let status = Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(&editor)
        .arg(file.path())
        .status()
        .map_err(failed)?;
    if !status.success() {
        let editor = editor.display();
        return Err(Error::Config(anyhow!("the editor {editor} failed ({status}); set EDITOR")));
    }
    // Read by its name, because editors replace the file.
    let edited = fs::read_to_string(file.path()).map_err(failed)?;
    Ok(edited.strip_suffix('\n').map(str::to_owned).unwrap_or(edited))
}
