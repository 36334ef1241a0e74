//! `cargo xtask fuzz`: libFuzzer looks for inputs that break what must hold. What that is: tests/support/fuzz. Every input
//! that broke it once belongs in fuzz/corpus, which `cargo test --test corpus` runs through the same functions.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::command::{Done, cargo, command, output, root, run, target};
use crate::console::write;
use crate::steps::Steps;
use crate::system;

/// Something that is fuzzed, with its line in docs/reliability.md.
struct Target {
    name: &'static str,
    fault: &'static str,
    promise: &'static str,
    /// Bytes of the longest input.
    most: u32,
}

const TARGETS: &[Target] = &[
    Target {
        name: "frames",
        fault: "any bytes after a handshake, cut anywhere",
        promise: "What is heard is what RFC 6455 says; a customer who sends them gets frames of the protocol and nothing else",
        most: 8192,
    },
    Target {
        name: "handshake",
        fault: "any path, Host, Origin and subprotocol; any bytes in the place of an HTTP request",
        promise: "Who is let in is who the policy says; the answer is HTTP or none",
        most: 4096,
    },
    Target {
        name: "resume",
        fault: "connections cut anywhere, hellos with any token, revision and epoch, a desk restarted or restored meanwhile",
        promise: "Everyone hears everything once and in order, and has in the end what the desk has",
        most: 256,
    },
    Target {
        name: "conversation",
        fault: "any frames of a desk to the reference client",
        promise: "Nothing is told twice, a gap is never passed over, the outbox loses nothing",
        most: 4096,
    },
    Target {
        name: "requests",
        fault: "any requests of a console, while a customer writes",
        promise: "A refusal changes nothing, what always holds of a conversation holds, the customer sees what is stored",
        most: 4096,
    },
];

/// Seconds for each, unless `--seconds` says otherwise.
const SECONDS: &str = "60";
/// Seconds after which one input is a hang.
const HANG: u32 = 60;
/// What makes the compiler note which code an input reaches. libFuzzer finds the notes by itself; no sanitizer, which would
/// take a nightly compiler.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Fuzzes what is named, or everything. `--seconds N`: for each. `--keep`: then adds to fuzz/corpus what reached new code.
pub(crate) fn fuzz(arguments: &[&str]) -> Done {
    let mut seconds = SECONDS;
    let mut keep = false;
    let mut names = Vec::new();
    let mut arguments = arguments.iter().copied();
    while let Some(argument) = arguments.next() {
        match argument {
            "--seconds" => {
                seconds = arguments.next().filter(|s| is_number(s)).ok_or("How many --seconds?")?
            }
            "--keep" => keep = true,
            name if TARGETS.iter().any(|target| target.name == name) => names.push(name),
            other => {
                let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
                return Err(format!("“{other}” is not fuzzed. There are: {}.", known.join(", ")));
            }
        }
    }
    let mut steps = Steps::default();
    steps.needed("set-up", || system::install(system::FUZZ));
    steps.needed("build", build);
    for target in TARGETS.iter().filter(|target| names.is_empty() || names.contains(&target.name)) {
        steps.step(target.name, || target.fuzz(seconds));
        if keep {
            steps.step("keep what reached new code", || target.keep());
        }
    }
    steps.finish()
}

fn is_number(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|number| number > 0)
}

/// Where everything of it lies, but for the corpus.
fn folder() -> PathBuf {
    target().join("fuzz")
}

/// This machine, as the compiler calls it. Named, so that build scripts and macros are built as usual.
fn host() -> Result<String, String> {
    let told = output(command("rustc").arg("-vV")).ok_or("rustc is missing.")?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what this machine is.".to_owned())
}

fn build() -> Done {
    run(cargo()
        .args(["build", "--release", "--locked", "--target", &host()?, "--manifest-path", "fuzz/Cargo.toml"])
        .arg("--target-dir")
        .arg(folder())
        .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}")))
}

impl Target {
    fn fuzz(&self, seconds: &str) -> Done {
        let found = folder().join("found");
        make(&found)?;
        let data = Data::new()?;
        let mut command = self.command(&data)?;
        command
            .args([
                &format!("-max_total_time={seconds}"),
                &format!("-timeout={HANG}"),
                "-print_final_stats=1",
            ])
            .args([format!("-max_len={}", self.most), "-rss_limit_mb=4096".to_owned()])
            .arg(option("-artifact_prefix=", &found.join(format!("{}-", self.name))))
            .args([self.work()?, self.corpus()]);
        let dictionary = root().join("fuzz/dictionaries").join(self.name);
        if dictionary.exists() {
            command.arg(option("-dict=", &dictionary));
        }
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}.", self.name))?;
        let seen = Seen::watch(&mut child);
        match child.wait() {
            Ok(status) if status.success() => self.record(seconds, &seen),
            Ok(status) => Err(self.failure(&found, &status.to_string())),
            Err(error) => Err(format!("{} was lost: {error}.", self.name)),
        }
    }

    /// Adds the inputs of past runs that reach what no input of the corpus does.
    fn keep(&self) -> Done {
        let data = Data::new()?;
        run(self.command(&data)?.args(["-merge=1", "-rss_limit_mb=4096"]).args([self.corpus(), self.work()?]))
    }

    fn command(&self, data: &Data) -> Result<Command, String> {
        let mut command = command(folder().join(host()?).join("release").join(self.name));
        command.env("TMPDIR", &data.0).env("DESKBELL_KEYRING", "off").env("RUST_BACKTRACE", "1");
        Ok(command)
    }

    fn corpus(&self) -> PathBuf {
        root().join("fuzz/corpus").join(self.name)
    }

    /// What libFuzzer finds on the way, kept for the next run.
    fn work(&self) -> Result<PathBuf, String> {
        let work = folder().join("corpus").join(self.name);
        make(&work)?;
        Ok(work)
    }

    fn failure(&self, found: &Path, status: &str) -> String {
        let newest = std::fs::read_dir(found)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{}-", self.name)))
            .max_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok());
        let Some(newest) = newest else {
            return format!("{} ended ({status}) without an input that did it.", self.name);
        };
        let input = std::fs::read(newest.path()).unwrap_or_default();
        println!("\nThe input, {} bytes:\n{}\n", input.len(), input.escape_ascii());
        format!(
            "An input breaks what must hold (see above). It is kept in {}. Once it is mended, copy it to fuzz/corpus/{}/ \
             under a name that says what it did: cargo test --workspace --test corpus runs it from then on.",
            newest.path().display(),
            self.name,
        )
    }

    /// The line in docs/reliability.md, as tests/support/record.rs has them.
    fn record(&self, seconds: &str, seen: &Seen) -> Done {
        let folder = target().join("reliability");
        make(&folder)?;
        let Self { name, fault, promise, .. } = self;
        let Seen { inputs, edges } = seen;
        println!("{name}: {inputs} inputs, {edges} edges of the code reached, nothing broken.");
        let row = format!(
            "{{\"subject\":\"Fuzzing\",\"fault\":\"{fault}\",\"promise\":\"{promise}\",\"test\":\"cargo xtask fuzz {name}\",\
             \"counts\":[[\"seconds\",{seconds}],[\"inputs\",{inputs}],[\"edges of the code reached\",{edges}],\
             [\"failures\",0]],\"result\":\"held\"}}"
        );
        write(&folder.join(format!("fuzz.{name}.json")), row.as_bytes())
    }
}

/// What libFuzzer said of a run.
#[derive(Default)]
struct Seen {
    inputs: u64,
    edges: u64,
}

impl Seen {
    /// Shows what it says but for every single input, until its end.
    fn watch(child: &mut Child) -> Self {
        let mut seen = Self::default();
        let Some(said) = child.stderr.take() else { return seen };
        for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if let Some(edges) = after(&line, "cov: ") {
                seen.edges = edges;
            }
            if let Some(inputs) = after(&line, "stat::number_of_executed_units: ") {
                seen.inputs = inputs;
            }
            let found = ["NEW ", "NEW_FUNC", "REDUCE ", "RELOAD "].iter().any(|word| line.contains(word));
            if !(found && line.trim_start().starts_with(['#', 'N'])) {
                println!("{line}");
            }
        }
        seen
    }
}

/// The number behind a word.
fn after(line: &str, word: &str) -> Option<u64> {
    let (_, rest) = line.split_once(word)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Where desks keep their data meanwhile: in memory, where there is such a place, for a disk would be worn for nothing.
struct Data(PathBuf);

impl Data {
    fn new() -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { folder() };
        let data = place.join(format!("deskbell-fuzz-{}", std::process::id()));
        make(&data)?;
        Ok(Self(data))
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} is left: {error}.", self.0.display());
        }
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

fn make(folder: &Path) -> Done {
    std::fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}.", folder.display()))
}
