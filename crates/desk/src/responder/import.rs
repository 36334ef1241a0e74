//! What an import does to the knowledge base, before anything is stored.

use std::collections::HashMap;

use deskbell_protocol::responder::{Answer, ImportProblem, Imported};
use deskbell_protocol::{AnswerId, Code, Refusal, limits};

use super::file::starter_answers;
use super::text::normalized;
use super::validate::{Questions, bounded, taken};

/// Problems that are told at most.
pub(crate) const PROBLEMS: usize = 100;

/// What is wrong with a record, by its number from 1; 0 is the whole file.
pub(crate) fn problem(record: usize, refusal: Refusal) -> ImportProblem {
    let Refusal { message, message_zh, .. } = refusal;
    let message_zh = message_zh.unwrap_or_else(|| message.clone());
    ImportProblem { record: u32::try_from(record).unwrap_or(u32::MAX), message, message_zh }
}

/// What an import is going to do. With problems it does nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// To be stored as new answers; their id is 0.
    pub added: Vec<Answer>,
    /// To be stored in the place of those of the same id.
    pub changed: Vec<Answer>,
    /// In numbers, with the problems.
    pub imported: Imported,
}

/// What importing these answers does to those that there are. An id that is known names the answer to change; one that
/// says the same as another is there already; all others are new.
#[must_use]
pub fn import_answers(existing: &[Answer], new: Vec<Answer>) -> Import {
    plan(existing, new, false)
}

/// What adding the starter set does. Of a starter whose question is taken, the agent's own answer stays.
#[must_use]
pub fn import_starters(existing: &[Answer]) -> Import {
    plan(existing, starter_answers(), true)
}

fn plan(existing: &[Answer], new: Vec<Answer>, skip_taken: bool) -> Import {
    let mut import = Import::default();
    let by_id: HashMap<AnswerId, &Answer> = existing.iter().map(|answer| (answer.id, answer)).collect();
    let mut contents: HashMap<String, &Answer> = HashMap::with_capacity(existing.len());
    existing.iter().for_each(|answer| {
        contents.entry(content(answer)).or_insert(answer);
    });
    let mut records = Vec::with_capacity(new.len());
    for (at, answer) in new.into_iter().enumerate() {
        match bounded(answer) {
            Ok(answer) => records.push((at, answer)),
            Err(refusal) => import.problem(at + 1, refusal),
        }
    }
    let replaced: std::collections::HashSet<AnswerId> =
        records.iter().map(|(_, answer)| answer.id).filter(|id| by_id.contains_key(id)).collect();
    // What stays as it is; the records join one by one, and each finds its questions free or taken.
    let mut questions = Questions::of(existing.iter().filter(|answer| !replaced.contains(&answer.id)));
    let mut ids = std::collections::HashSet::new();
    for (at, answer) in &records {
        let known = by_id.get(&answer.id).copied();
        if known.is_none() && contents.contains_key(&content(answer)) {
            import.imported.unchanged += 1;
            continue;
        }
        if known.is_some() && !ids.insert(answer.id) {
            let id = answer.id;
            let refusal = Refusal::new(Code::InvalidSetting, format!("Another record has the id {id}, too."));
            import.problem(at + 1, refusal.in_chinese(format!("另一条记录的编号也是 {id}。")));
            continue;
        }
        if let Some((own, _, _, other)) = questions.rival(answer) {
            if skip_taken {
                import.imported.unchanged += 1;
            } else {
                let question = answer.questions.get(own).map_or("", String::as_str);
                import.problem(at + 1, taken(own, question, other));
            }
            continue;
        }
        questions.add(answer);
        match known {
            Some(known) if known == answer => import.imported.unchanged += 1,
            Some(_) => {
                import.imported.changed += 1;
                import.changed.push(answer.clone());
            }
            None => {
                import.imported.added += 1;
                import.added.push(Answer { id: AnswerId(0), ..answer.clone() });
            }
        }
    }
    import.finished(existing.len())
}

impl Import {
    fn problem(&mut self, record: usize, refusal: Refusal) {
        if self.imported.problems.len() < PROBLEMS {
            self.imported.problems.push(problem(record, refusal));
        }
    }

    fn finished(mut self, existing: usize) -> Self {
        if existing + self.added.len() > limits::ANSWERS {
            let most = limits::ANSWERS;
            let refusal = Refusal::new(Code::TooLong, format!("At most {most} answers; this would be more."));
            self.problem(0, refusal.in_chinese(format!("最多 {most} 条答案，导入后将超出。")));
        }
        if !self.imported.problems.is_empty() {
            self.added.clear();
            self.changed.clear();
        }
        self
    }
}

/// What makes two answers the same, whatever their ids.
fn content(answer: &Answer) -> String {
    let questions: Vec<String> = answer.questions.iter().map(|question| normalized(question)).collect();
    format!("{}\0{}\0{:?}", questions.join("\n"), answer.reply, answer.languages)
}
