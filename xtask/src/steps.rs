//! Named steps, each with its duration, and a summary at the end.

use std::time::{Duration, Instant};

use crate::command::Done;

struct Step {
    name: &'static str,
    took: Duration,
    done: Done,
}

/// Steps that run one after the other.
#[derive(Default)]
pub(crate) struct Steps {
    run: Vec<Step>,
    /// The step that failed and without which the others make no sense.
    stopped_by: Option<&'static str>,
    skipped: Vec<&'static str>,
}

impl Steps {
    /// Runs a step. When it fails, the others run all the same, so that one run tells everything.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Done) -> bool {
        if self.stopped_by.is_some() {
            self.skipped.push(name);
            return false;
        }
        println!("\n==> {name}");
        let begun = Instant::now();
        let done = work();
        let took = begun.elapsed();
        match &done {
            Ok(()) => println!("<== {name}: ok in {}", show(took)),
            Err(sentence) => println!("<== {name}: FAILED after {}. {sentence}", show(took)),
        }
        let fine = done.is_ok();
        self.run.push(Step { name, took, done });
        fine
    }

    /// Runs a step without which the others make no sense.
    pub(crate) fn needed(&mut self, name: &'static str, work: impl FnOnce() -> Done) {
        if !self.step(name, work) && self.stopped_by.is_none() {
            self.stopped_by = Some(name);
        }
    }

    /// Prints the summary.
    pub(crate) fn finish(self) -> Done {
        println!("\nSummary");
        let mut failed = Vec::new();
        for step in &self.run {
            let word = if step.done.is_ok() { "ok" } else { "FAILED" };
            println!("  {word:<7} {:>9}  {}", show(step.took), step.name);
            if let Err(sentence) = &step.done {
                println!("          {sentence}");
                failed.push(step.name);
            }
        }
        for name in &self.skipped {
            println!("  skipped            {name}");
        }
        let whole: Duration = self.run.iter().map(|step| step.took).sum();
        println!("  in all  {:>9}", show(whole));
        match failed.as_slice() {
            [] => Ok(()),
            [one] => Err(format!("One step failed: {one}.")),
            several => Err(format!("{} steps failed: {}.", several.len(), several.join("; "))),
        }
    }
}

fn show(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02} s", took.as_secs() / 60, took.as_secs() % 60)
    }
}
