//! What consoles ask and change about rules, answers and offers to learn.

use std::sync::Arc;

use deskbell_desk::{Import, Past, Responder};
use deskbell_protocol::agent::{Request, Response, Update};
use deskbell_protocol::entity::SourceKind;
use deskbell_protocol::responder::{Answer, AnswerRow, FileFormat, Imported, Plan, Rule, RuleRow};
use deskbell_protocol::{AnswerId, Code, LessonId, Refusal, RuleId, Seq, limits};
use deskbell_store::{Taught, Teaching};
use tokio::sync::MutexGuard;

use super::Desk;
use super::calls::unread;

/// Held from before a change is looked at until it is in force.
type Saving<'a> = MutexGuard<'a, ()>;

/// Offers to learn in one answer.
const LESSONS: u32 = 500;
/// Messages in one replay.
const REPLAYED: usize = 5_000;
/// Conversations in one replay.
const REPLAYED_CONVERSATIONS: u32 = 500;
/// Answers in one page.
const ANSWERS_PAGE: u32 = 200;

impl Desk {
    /// Answers requests about what the responder knows; others come back.
    pub(super) async fn know(&self, request: Request) -> Result<Result<Response, Refusal>, Box<Request>> {
        Ok(match request {
            Request::Rules {} => self.rules().await,
            Request::SaveRule { rule, lesson } => self.save_rule(rule, lesson).await,
            Request::RestoreRule { rule, place } => self.restore_rule(rule, place).await,
            Request::DeleteRule { rule } => {
                self.teach_rules(self.saving().await, Teaching::ForgetRule(rule)).await
            }
            Request::OrderRules { rules } => self.order_rules(rules).await,
            Request::Answers { query, offset, limit } => self.answers(&query, offset, limit).await,
            Request::Answer { answer } => self.answer(answer).await,
            Request::SaveAnswer { answer, lesson } => self.save_answer(answer, lesson).await,
            Request::DeleteAnswers { answers } => self.delete_answers(answers).await,
            Request::RestoreAnswers { answers } => self.restore_answers(answers).await,
            Request::ImportAnswers { format, content, dry_run } => {
                self.import(format, content, dry_run).await
            }
            Request::ExportAnswers { format } => Ok(self.export_answers(format)),
            Request::AddStarterAnswers {} => self.add_starter_answers().await,
            Request::Replay { conversations, plan } => self.replay(conversations, plan).await,
            Request::Lessons {} => {
                let lessons = self.readers().lessons(LESSONS).await.map_err(unread);
                lessons.map(|lessons| Response::Lessons { lessons })
            }
            Request::DismissLesson { lesson } => {
                self.teach(self.saving().await, Teaching::Dismiss(lesson)).await.map(|_| Response::Done {})
            }
            request => return Err(Box::new(request)),
        })
    }

    async fn rules(&self) -> Result<Response, Refusal> {
        let totals = self.readers().totals(SourceKind::Rule).await.map_err(unread)?;
        let rules = self.hub().responder().rules().to_vec();
        let row = |rule: Rule| {
            let (used, overridden) = totals.get(&rule.id.0).copied().unwrap_or_default();
            RuleRow { rule, used, overridden }
        };
        Ok(Response::Rules { rules: rules.into_iter().map(row).collect() })
    }

    async fn save_rule(&self, rule: Rule, lesson: Option<LessonId>) -> Result<Response, Refusal> {
        let saving = self.saving().await;
        let rule = deskbell_desk::validate_rule(rule, self.hub().responder().rules())?;
        self.teach_rules(saving, Teaching::Rule(Box::new(rule), lesson)).await
    }

    async fn restore_rule(&self, rule: Rule, place: u32) -> Result<Response, Refusal> {
        let saving = self.saving().await;
        let rule = deskbell_desk::validate_rule(rule, self.hub().responder().rules())?;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        self.teach_rules(saving, Teaching::RestoreRule(Box::new(rule), place)).await
    }

    async fn order_rules(&self, rules: Vec<RuleId>) -> Result<Response, Refusal> {
        if rules.len() > limits::RULES {
            return Err(
                Refusal::new(Code::TooLong, "There are at most 500 rules.").in_chinese("最多 500 条规则。")
            );
        }
        self.teach_rules(self.saving().await, Teaching::Order(rules)).await
    }

    async fn teach_rules(&self, saving: Saving<'_>, teaching: Teaching) -> Result<Response, Refusal> {
        self.teach(saving, teaching).await?;
        self.rules().await
    }

    async fn answers(&self, query: &str, offset: u32, limit: u32) -> Result<Response, Refusal> {
        let responder = self.hub().responder();
        let query = limits::cut(query.trim(), 200).to_lowercase();
        let has = |text: &String| text.to_lowercase().contains(&query);
        let fits = |answer: &&Answer| {
            query.is_empty()
                || has(&answer.reply)
                || answer.questions.iter().any(has)
                || answer.labels.iter().any(has)
        };
        let found: Vec<&Answer> = responder.answers().iter().rev().filter(fits).collect();
        let page = found
            .iter()
            .skip(usize::try_from(offset).unwrap_or(usize::MAX))
            .take(usize::try_from(limit.clamp(1, ANSWERS_PAGE)).unwrap_or(1))
            .map(|answer| Answer::clone(answer))
            .collect();
        let total = u32::try_from(found.len()).unwrap_or(u32::MAX);
        self.with_numbers(page, total).await
    }

    async fn answer(&self, id: AnswerId) -> Result<Response, Refusal> {
        let found = self.hub().responder().answer(id).cloned();
        let found =
            found.ok_or_else(|| Refusal::new(Code::NoSuchEntry, "There is no such answer (any more)."))?;
        self.with_numbers(vec![found], 1).await
    }

    async fn with_numbers(&self, answers: Vec<Answer>, total: u32) -> Result<Response, Refusal> {
        let totals = self.readers().totals(SourceKind::Answer).await.map_err(unread)?;
        let row = |answer: Answer| {
            let (used, overridden) = totals.get(&answer.id.0).copied().unwrap_or_default();
            AnswerRow { answer, used, overridden }
        };
        Ok(Response::Answers { answers: answers.into_iter().map(row).collect(), total })
    }

    async fn save_answer(&self, answer: Answer, lesson: Option<LessonId>) -> Result<Response, Refusal> {
        let saving = self.saving().await;
        let mut answer = deskbell_desk::validate_answer(answer, self.hub().responder().answers())?;
        let taught = self.teach(saving, Teaching::Answers(vec![answer.clone()], lesson)).await?;
        answer.id = taught.saved.first().copied().unwrap_or(answer.id);
        Ok(Response::Saved { answer })
    }

    async fn delete_answers(&self, answers: Vec<AnswerId>) -> Result<Response, Refusal> {
        if answers.len() > limits::ANSWERS_AT_ONCE {
            return Err(Refusal::new(Code::TooLong, "Delete at most 500 answers at once.")
                .in_chinese("一次最多删除 500 条答案。"));
        }
        self.teach(self.saving().await, Teaching::ForgetAnswers(answers)).await.map(|_| Response::Done {})
    }

    async fn restore_answers(&self, answers: Vec<Answer>) -> Result<Response, Refusal> {
        if answers.len() > limits::ANSWERS_AT_ONCE {
            return Err(Refusal::new(Code::TooLong, "Bring back at most 500 answers at once.")
                .in_chinese("一次最多恢复 500 条答案。"));
        }
        let saving = self.saving().await;
        let responder = self.hub().responder();
        let validated = tokio::task::spawn_blocking(move || {
            deskbell_desk::validate_restored(answers, responder.answers())
        });
        let answers = validated.await.map_err(|_| internal())??;
        self.teach(saving, Teaching::RestoreAnswers(answers)).await.map(|_| Response::Done {})
    }

    async fn import(&self, format: FileFormat, content: String, dry_run: bool) -> Result<Response, Refusal> {
        if content.len() > limits::IMPORT_BYTES {
            return Err(Refusal::new(Code::TooLong, "The file is too large: at most 16 MiB.")
                .in_chinese("文件过大：最大 16 MiB。"));
        }
        let saving = self.saving().await;
        let responder = self.hub().responder();
        let planned = tokio::task::spawn_blocking(move || {
            deskbell_desk::read_answers(format, &content)
                .map(|read| deskbell_desk::import_answers(responder.answers(), read))
        });
        match planned.await.map_err(|_| internal())? {
            Ok(import) => self.take_import(saving, import, dry_run).await,
            Err(problems) => {
                Ok(Response::Imported { imported: Imported { problems, ..Imported::default() } })
            }
        }
    }

    /// Stores what an import plans, all of it or none.
    async fn take_import(
        &self,
        saving: Saving<'_>,
        import: Import,
        dry_run: bool,
    ) -> Result<Response, Refusal> {
        let Import { added, changed, imported } = import;
        let answers: Vec<Answer> = added.into_iter().chain(changed).collect();
        if imported.problems.is_empty() && !dry_run && !answers.is_empty() {
            self.teach(saving, Teaching::Answers(answers, None)).await?;
        }
        Ok(Response::Imported { imported })
    }

    fn export_answers(&self, format: FileFormat) -> Response {
        let content = deskbell_desk::write_answers(format, self.hub().responder().answers());
        let name = match format {
            FileFormat::Csv => "answers.csv",
            FileFormat::Json => "answers.json",
        };
        Response::File { name: name.to_owned(), content }
    }

    async fn add_starter_answers(&self) -> Result<Response, Refusal> {
        let saving = self.saving().await;
        let import = deskbell_desk::import_starters(self.hub().responder().answers());
        self.take_import(saving, import, false).await
    }

    /// The right to change what is taught. It is taken before a change is looked at beside what is there: of two consoles
    /// with the same phrase, the second must see the first's.
    async fn saving(&self) -> Saving<'_> {
        self.shared.saving.lock().await
    }

    /// Stores a change, then puts the new chain in force. It is made off the threads that serve sockets.
    async fn teach(&self, _saving: Saving<'_>, teaching: Teaching) -> Result<Taught, Refusal> {
        let about_lessons = matches!(teaching, Teaching::Dismiss(_));
        let taught = self.store().teach(teaching).await?;
        if !about_lessons {
            let rules = self.readers().rules().await.map_err(unread)?;
            let answers = self.readers().answers().await.map_err(unread)?;
            let made = tokio::task::spawn_blocking(move || Responder::new(rules, answers));
            self.hub().set_responder(Arc::new(made.await.map_err(|_| internal())?));
        }
        self.hub().set_lessons(taught.lessons);
        Ok(taught)
    }

    /// Tells consoles of an offer to learn.
    pub(super) async fn offer(&self, id: LessonId) {
        match self.readers().lesson(id).await {
            Ok(Some(lesson)) => self.hub().tell(Update::Lesson { lesson }),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "an offer to learn could not be read"),
        }
        match self.readers().open_lessons().await {
            Ok(waiting) => self.hub().set_lessons(waiting),
            Err(error) => tracing::error!(%error, "offers to learn could not be counted"),
        }
    }

    async fn replay(&self, conversations: u32, plan: Option<Plan>) -> Result<Response, Refusal> {
        let conversations = conversations.clamp(1, REPLAYED_CONVERSATIONS);
        let entries = self.readers().last_conversations(conversations).await.map_err(unread)?;
        let (responder, settings) = (self.hub().responder(), self.hub().settings());
        let planned = match plan {
            None => None,
            Some(plan) => {
                let responder = Arc::clone(&responder);
                let planned = tokio::task::spawn_blocking(move || responder.planned(plan));
                Some(Arc::new(planned.await.map_err(|_| internal())??))
            }
        };
        let mut messages = Vec::new();
        for entry in entries {
            let thread = self.readers().thread(entry.id, None, limits::THREAD_PAGE).await.map_err(unread)?;
            let from = thread.first().map_or(Seq(0), |first| first.seq);
            let visits = self.readers().visits(entry.id, from).await.map_err(unread)?;
            let (responder, settings, planned) =
                (Arc::clone(&responder), Arc::clone(&settings), planned.clone());
            // Off the threads that serve sockets: thousands of questions may be asked anew.
            let replayed = tokio::task::spawn_blocking(move || {
                let (conversation, customer) = (entry.id, &entry.customer);
                let past = Past { conversation, customer, thread: &thread, visits: &visits };
                match planned {
                    Some(planned) => deskbell_desk::replay_planned(&planned, &responder, &settings, &past),
                    None => deskbell_desk::replay(&responder, &settings, &past),
                }
            });
            messages.extend(replayed.await.map_err(|_| internal())?);
            if messages.len() >= REPLAYED {
                messages.truncate(REPLAYED);
                break;
            }
        }
        Ok(Response::Replayed { messages })
    }
}

fn internal() -> Refusal {
    Refusal::new(Code::Internal, "The desk failed at this; please report it.")
}
