//! What a measurement found, as a page of docs: written by the run, never by hand.

use deskbell_tests::root;

/// A page under way.
pub(crate) struct Page {
    name: &'static str,
    text: String,
}

impl Page {
    /// A page of this name and title, and what was measured how.
    pub(crate) fn new(name: &'static str, title: &str, how: &str) -> Self {
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        let cores = std::thread::available_parallelism().unwrap();
        let text = format!(
            "# {title}\n{how}\n\nMeasured and written by `cargo xtask bench {name}`: {build} build, {cores} cores.\n\n"
        );
        Self { name, text }
    }

    /// A finding, on the page and on the terminal.
    pub(crate) fn say(&mut self, finding: &str) {
        println!("{}: {finding}", self.name);
        self.text.push_str("- ");
        self.text.push_str(finding);
        self.text.push('\n');
    }

    pub(crate) fn write(self) {
        std::fs::write(root().join(format!("docs/{}.md", self.name)), self.text).unwrap();
    }
}
