//! Completion scripts and man pages put where shells and man look for them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{as_nobody, gravix, run, shell, skip};

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory is created")
}

/// gravix in this home directory.
fn at(home: &Path, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(arguments).env("HOME", home);
    command
}

/// A directory of data with the package bash-completion in it.
fn with_bash_completion(home: &Path) -> std::path::PathBuf {
    let data = home.join("data");
    fs::create_dir_all(data.join("bash-completion")).expect("the directory is created");
    fs::write(data.join("bash-completion/bash_completion"), "").expect("the file is written");
    data
}

#[test]
fn a_script_is_put_where_its_shell_looks_for_it() {
    let home = home();
    let data = with_bash_completion(home.path());
    for (name, path) in [
        ("bash", ".local/share/bash-completion/completions/gravix"),
        ("zsh", ".local/share/zsh/site-functions/_gravix"),
        ("fish", ".config/fish/completions/gravix.fish"),
    ] {
        let path = home.path().join(path);
        let mut install = at(home.path(), &["completions", "--install", name]);
        install.env("XDG_DATA_DIRS", &data);
        let installed = run(&mut install).exits(0).prints(format!("{}\n", path.display()));
        assert_eq!(installed.stderr.is_empty(), name != "zsh", "{}", installed.stderr);
        let script = fs::read(&path).expect("the script is readable");
        run(gravix().args(["completions", name])).exits(0).prints(script);
        assert!(path.metadata().expect("it exists").permissions().mode() & 0o444 != 0);
    }
}

#[test]
fn variables_name_other_directories() {
    let home = home();
    let to = |name: &str| home.path().join(name).display().to_string();
    for (name, variables, path) in [
        ("bash", &[("BASH_COMPLETION_USER_DIR", to("b"))][..], "b/completions/gravix"),
        ("bash", &[("XDG_DATA_HOME", to("d"))], "d/bash-completion/completions/gravix"),
        ("zsh", &[("XDG_DATA_HOME", to("d"))], "d/zsh/site-functions/_gravix"),
        ("fish", &[("XDG_CONFIG_HOME", to("c"))], "c/fish/completions/gravix.fish"),
        ("fish", &[("XDG_CONFIG_HOME", "c".into())], ".config/fish/completions/gravix.fish"),
    ] {
        let mut install = at(home.path(), &["completions", "--install", name]);
        run(install.envs(variables.iter().cloned())).exits(0).prints(to(path) + "\n");
        assert!(home.path().join(path).is_file(), "{path}");
    }
}

#[test]
fn the_shell_is_that_of_the_user() {
    let home = home();
    let install = |shell: &str| {
        let mut command = at(home.path(), &["completions", "--install"]);
        command.env("SHELL", shell);
        command
    };
    let fish = home.path().join(".config/fish/completions/gravix.fish");
    let printed = format!("{}\n", fish.display());
    run(&mut install("/usr/local/bin/fish")).exits(0).prints(printed).says_nothing();
    for shell in ["/bin/dash", ""] {
        let run = run(&mut install(shell)).exits(2).prints("");
        run.says(&["gravix completions --install bash"]);
    }
    run(&mut at(home.path(), &["completions"]))
        .exits(2)
        .prints("")
        .says(&["gravix completions needs SHELL; see gravix completions --help"]);
}

#[test]
fn a_shell_without_a_directory_for_scripts_gets_a_line_for_its_settings() {
    let home = home();
    for (name, line) in [
        ("powershell", "gravix completions powershell | Out-String | Invoke-Expression"),
        ("elvish", "eval (gravix completions elvish | slurp)"),
    ] {
        run(&mut at(home.path(), &["completions", "--install", name])).exits(2).says(&[line]);
    }
    assert_eq!(fs::read_dir(home.path()).expect("it can be listed").count(), 0);
}

#[test]
fn the_line_that_a_shell_still_needs_is_said_and_works() {
    let home = home();
    let zsh = run(&mut at(home.path(), &["completions", "--install", "zsh"])).exits(0);
    let (_, line) = zsh.stderr.split_once("compinit: ").expect("there is a line for zsh");
    let script = format!("{line}\nprint -r -- $_comps[gravix]");
    if Command::new("zsh").arg("--version").output().is_ok() {
        let mut zsh = shell("zsh", &script);
        run(zsh.env("HOME", home.path())).exits(0).prints("_gravix\n");
    } else {
        skip("zsh is not installed");
    }
    let mut install = at(home.path(), &["completions", "--install", "bash"]);
    let bash = run(install.env("XDG_DATA_DIRS", home.path())).exits(0);
    let (_, line) = bash.stderr.split_once("here: ").expect("there is a line for bash");
    let mut bash = shell("bash", &format!("{line}\ncomplete -p gravix"));
    run(&mut bash).exits(0).prints("complete -F _gravix gravix\n");
    let mut known = at(home.path(), &["completions", "--install", "zsh"]);
    known.env("FPATH", home.path().join(".local/share/zsh/site-functions"));
    run(&mut known).exits(0).says_nothing();
}

#[test]
fn an_installed_file_is_replaced_and_a_link_stays_one() {
    let home = home();
    let path = home.path().join(".config/fish/completions/gravix.fish");
    fs::create_dir_all(path.parent().expect("a directory")).expect("the directory is created");
    let target = home.path().join("dotfiles.fish");
    fs::write(&target, "old").expect("the file is written");
    std::os::unix::fs::symlink(&target, &path).expect("the link is made");
    run(&mut at(home.path(), &["completions", "--install", "fish"])).exits(0);
    assert!(path.is_symlink());
    assert!(fs::read_to_string(&target).expect("it is readable").contains("__complete"));
    let left = fs::read_dir(path.parent().expect("a directory")).expect("it can be listed");
    assert_eq!(left.count(), 1);
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let home = home();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o555)).expect("the mode is set");
    for (arguments, directory) in [
        (&["completions", "--install", "fish"][..], ".config/fish/completions"),
        (&["man", "--install"], ".local/share/man/man1"),
    ] {
        let mut install = at(home.path(), arguments);
        if as_nobody(&mut install) {
            let directory = home.path().join(directory).display().to_string();
            run(&mut install).exits(73).prints("").says(&["cannot write", &directory]);
        }
    }
    for arguments in [&["completions", "--install", "zsh"][..], &["man", "--install"]] {
        run(gravix().args(arguments)).exits(78).prints("").says(&["set HOME"]);
    }
}

#[test]
fn all_man_pages_are_put_where_man_finds_them() {
    let home = home();
    let installed = run(&mut at(home.path(), &["man", "--install"])).exits(0);
    let directory = home.path().join(".local/share/man");
    let word = directory.display();
    installed.tells(&[&format!("export MANPATH={word}:$MANPATH")]);
    let pages = fs::read_dir("man").expect("the pages can be listed");
    for page in pages.map(|page| page.expect("it can be read").path()) {
        let copy = directory.join("man1").join(page.file_name().expect("a name"));
        let [page, copy] = [page, copy].map(|path| fs::read(path).expect("the page is readable"));
        assert!(page == copy);
    }
    for (name, path) in [("MANPATH", directory), ("PATH", home.path().join(".local/bin"))] {
        run(at(home.path(), &["man", "--install"]).env(name, path)).exits(0).says_nothing();
    }
}
