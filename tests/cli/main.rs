//! gravix as its users meet it: every test runs the real binary, most of them
//! against a scripted server on loopback.

/// The stand-in, the models, and the documents that come with the program.
mod companions;
/// Help, completions and man pages say what the program does.
mod documents;
/// Faults of servers, URLs and keys.
mod faults;
/// A conversation in a file.
mod history;
/// What becomes a prompt, and what is refused.
mod input;
/// What stdout, stderr and files get to see.
mod output;
/// The README's commands do what it says.
mod readme;
/// Streams as servers send them.
mod stream;
/// Running gravix, and being its server.
mod support;
