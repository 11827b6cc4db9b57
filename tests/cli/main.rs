//! gravix as its users meet it: every test runs the real binary, most of them
//! against a scripted server on loopback.

/// Many requests: what goes in, and what comes out.
mod batch;
/// Many requests: ended, killed, and gone on with.
mod batch_ends;
/// Many requests: what must not be lost, whatever fails.
mod batch_faults;
/// Many requests: how many at once, and how fast.
mod batch_pace;
/// The stand-in, the models, and the documents that come with the program.
mod companions;
/// The configuration file, profiles, and where the key is.
mod configuration;
/// Help, completions and man pages say what the program does.
mod documents;
/// What crashes, full disks and other processes may do to a history.
mod durability;
/// Faults of URLs and keys, and what servers say of them.
mod faults;
/// JSON, code blocks and words that a reply must be.
mod forms;
/// A conversation in a file.
mod history;
/// What becomes a prompt, and what is refused.
mod input;
/// Faults of networks and servers: stalls, cuts, and what is no HTTP.
mod network;
/// What stdout, stderr and files get to see.
mod output;
/// Proxies, used and refused.
mod proxies;
/// The README's commands do what it says.
mod readme;
/// Real servers, where they are installed.
mod real_server;
/// What is sent: fields, files and images.
mod requests;
/// What of a response is printed and logged beside its text.
mod responses;
/// When gravix tries again, and when it does not.
mod retries;
/// The key, which nobody gets to see, and what --verbose tells.
mod secrets;
/// Dying by a signal, and leaving nothing behind.
mod signals;
/// Streams as servers send them.
mod stream;
/// Running gravix, and being its server.
mod support;
/// Certificates that are trusted, and those that are not.
mod tls;
/// Calls of tools.
mod tools;
/// Showing, checking, repairing and undoing a history.
mod upkeep;
