//! Writes what is generated from the Rust types: the console's TypeScript types and the JSON Schema of customers' frames.
//!
//! `cargo xtask generate` runs it; `cargo xtask check` runs it with `--check`, which writes nothing and fails when a
//! file is not what it would write.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use deskbell_protocol::customer::{ClientFrame, ServerFrame};
use deskbell_protocol::settings::{Bound, Limits};
use deskbell_protocol::{Code, agent};
use ts_rs::{Config, TS, TypeVisitor};

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut stale = false;
    for (file, content) in
        [("ui/src/lib/protocol.ts", typescript()), ("docs/deskbell.v1.schema.json", json_schema())]
    {
        let path = root.join(file);
        if std::fs::read_to_string(&path).is_ok_and(|existing| existing == content) {
            continue;
        }
        if check {
            eprintln!("{file} is not what the Rust types say: run `cargo xtask generate`");
            stale = true;
        } else if let Err(error) = write(&path, &content) {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    }
    if stale { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn write(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, content)
}

fn typescript() -> String {
    let mut types = Declarations { config: Config::new().with_large_int("number"), found: BTreeMap::new() };
    types.visit::<agent::AgentClientFrame>();
    types.visit::<agent::AgentServerFrame>();
    types.visit::<ClientFrame>();
    types.visit::<ServerFrame>();
    types.visit::<Code>();
    let mut out = String::from("// Generated from crates/protocol by `cargo xtask generate`. Do not edit.\n");
    for declaration in types.found.values() {
        out.push('\n');
        out.push_str(declaration);
        out.push('\n');
    }
    out.push_str(&limits());
    out
}

/// Every limit with its default and bounds, so that a console can say what is wrong while someone writes.
fn limits() -> String {
    let mut out = String::from(
        "\n/** Each limit: what it is unless it was changed, and what it may be. */\nexport const LIMITS = {\n",
    );
    for Bound { name, value, range } in Limits::default().bounds() {
        let (least, most) = (range.start(), range.end());
        let _infallible = writeln!(out, "  {name}: {{ usual: {value}, least: {least}, most: {most} }},");
    }
    out.push_str(
        "} as const satisfies Record<keyof Limits, { usual: number; least: number; most: number }>;\n",
    );
    out
}

/// Every type reached from the ones visited, by name.
struct Declarations {
    config: Config,
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Built-in types have no file of their own; their parameters may.
        if T::output_path().is_none() {
            T::visit_dependencies(self);
            T::visit_generics(self);
            return;
        }
        let name = T::ident(&self.config);
        if self.found.contains_key(&name) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let declaration = format!("{docs}export {}", T::decl(&self.config));
        self.found.insert(name, declaration);
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

fn json_schema() -> String {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let client = generator.subschema_for::<ClientFrame>();
    let server = generator.subschema_for::<ServerFrame>();
    let schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deskbell.v1",
        "description": "Customers' JSON text frames. A frame is one object; its `type` says which. See protocol.md.",
        "oneOf": [
            { "title": "client to desk", "allOf": [client] },
            { "title": "desk to client", "allOf": [server] },
        ],
        "$defs": generator.take_definitions(true),
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
