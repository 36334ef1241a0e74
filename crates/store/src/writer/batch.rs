//! One commit: decide each command on the state that the one before left, write the rows, commit, tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use deskbell_desk::{AgentAction, Command, Context, Decision, State, Subject, VISIT_GAP_MS, decide};
use deskbell_protocol::entity::{Author, Customer, Message};
use deskbell_protocol::settings::Settings;
use deskbell_protocol::{Code, ConnectionId, ConversationId, Refusal};
use rusqlite::Connection;

use super::cache::{Cache, Known};
use super::{Committed, Job, Outcome, Receipt, Refused, Reply, Seen, Submission, Writer};
use crate::fault;
use crate::tables::{conversation, lesson, message, usage};
use crate::tally::Tally;

/// To whom was connected when a backup took the database's place.
const ANOTHER_DATABASE: &str = "The desk's data was restored from a backup; connect again.";

/// What one command came to: an outcome to publish, and an answer for who waits for it.
type Done = (Option<Outcome>, Option<(Reply, Result<Receipt, Refusal>)>);

impl Writer {
    /// Commits these jobs together. When that fails, each is tried alone, so that one bad row refuses one command only,
    /// and so does one at which we panic.
    pub(super) fn commit(&mut self, mut jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let tally = self.tally;
        let (refusal, is_held) = match self.guard(|writer| writer.try_commit(&mut jobs)) {
            Some(Ok(())) => return,
            Some(Err(error)) => {
                self.tally = tally;
                self.cache.forget_everything();
                // Another program holds the database: each would wait as long as all together did.
                let is_held = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
                (self.failed(&error), is_held)
            }
            None => (super::panicked(), false),
        };
        if jobs.len() == 1 || is_held {
            self.refuse(jobs, &refusal);
            return;
        }
        // None are left when they were committed, and it was the telling that failed.
        tracing::warn!(jobs = jobs.len(), "a batch failed; trying its commands one by one");
        for job in jobs {
            self.commit(vec![job]);
        }
    }

    /// Leaves `jobs` as they are when it fails, and empty when it succeeds.
    fn try_commit(&mut self, jobs: &mut Vec<Job>) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let mut step = Step {
            connection: &transaction,
            cache: &mut self.cache,
            settings: &self.settings,
            tally: &mut self.tally,
            uses: usage::Counts::default(),
            epoch: &self.epoch,
            changed: BTreeMap::new(),
        };
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs.iter() {
            results.push(match job {
                Job::Submit(submission, _) => Some(step.submit(submission)?),
                Job::Seen(seen, _) => step
                    .seen(seen)?
                    .map(|committed| (Outcome::Committed(Box::new(committed)), Err(not_asked()))),
                _ => None,
            });
        }
        step.save()?;
        fault::point("before commit");
        transaction.commit()?;
        fault::point("after commit");
        let done: Vec<Done> = jobs
            .drain(..)
            .zip(results)
            .map(|(job, result)| match (job, result) {
                (Job::Submit(_, reply), Some((outcome, answer))) => {
                    (Some(outcome), reply.map(|reply| (reply, answer)))
                }
                (Job::Seen(_, reply), result) => {
                    (result.map(|(outcome, _)| outcome), Some((reply, Err(not_asked()))))
                }
                (_, result) => (result.map(|(outcome, _)| outcome), None),
            })
            .collect();
        self.tell(done);
        Ok(())
    }

    fn refuse(&mut self, jobs: Vec<Job>, refusal: &Refusal) {
        let done = jobs
            .into_iter()
            .filter_map(|job| match job {
                Job::Submit(submission, reply) => {
                    let outcome = Outcome::Refused(Refused {
                        conversation: submission.conversation,
                        connection: submission.connection,
                        client_id: client_id(&submission.command).map(|(_, id, _)| id.to_owned()),
                        refusal: refusal.clone(),
                    });
                    Some((Some(outcome), reply.map(|reply| (reply, Err(refusal.clone())))))
                }
                _ => None,
            })
            .collect();
        self.tell(done);
    }

    fn tell(&mut self, done: Vec<Done>) {
        let (outcomes, answers): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        self.publisher.publish(outcomes.into_iter().flatten().collect(), self.tally);
        for (reply, answer) in answers.into_iter().flatten() {
            let _gone = reply.send(answer);
        }
    }
}

/// One transaction under way.
struct Step<'a> {
    connection: &'a Connection,
    cache: &'a mut Cache,
    settings: &'a Settings,
    tally: &'a mut Tally,
    uses: usage::Counts,
    epoch: &'a str,
    /// Conversations as this batch leaves them. Their rows are written once, however many commands changed them.
    changed: BTreeMap<ConversationId, Known>,
}

impl Step<'_> {
    /// The conversation as the commands before left it, if it has a row.
    fn load(&mut self, id: ConversationId) -> rusqlite::Result<Option<Known>> {
        match self.changed.get(&id) {
            Some(known) => Ok(Some(known.clone())),
            None => self.cache.load(self.connection, id),
        }
    }

    /// Writes the rows of what has changed, and the numbers. Before the commit, once a batch.
    fn save(self) -> rusqlite::Result<()> {
        for (id, known) in self.changed {
            conversation::save(self.connection, id, &known.state, &known.customer)?;
            self.cache.put(id, known);
        }
        self.uses.write(self.connection)
    }

    fn submit(&mut self, submission: &Submission) -> rusqlite::Result<(Outcome, Result<Receipt, Refusal>)> {
        let id = submission.conversation;
        if let Some((_, _, text)) = client_id(&submission.command) {
            fault::panic_on(text);
        }
        if *submission.epoch != *self.epoch {
            return Ok(refuse(submission, Refusal::new(Code::ShuttingDown, ANOTHER_DATABASE)));
        }
        let known = self.load(id)?;
        if known.is_some()
            && let Some(answer) = self.repeated(id, &submission.command)?
        {
            return Ok(self.answer_again(submission, known, answer));
        }
        let Some(before) = known.clone().or_else(|| visitor(submission)) else {
            let refusal = Refusal::new(Code::NoSuchConversation, "There is no such conversation.");
            return Ok(refuse(submission, refusal));
        };
        let greeting = submission.visitor.as_ref().and_then(|visitor| visitor.greeting.as_ref());
        let subject = self.subject(id, &submission.command)?;
        let context = Context {
            now: submission.now,
            settings: self.settings,
            language: before.customer.language,
            customer: Some(&before.customer),
            away: submission.away,
            greeting,
            subject: subject.as_ref(),
        };
        let decision = match decide(&before.state, submission.command.clone(), &context) {
            Ok(decision) => decision,
            Err(refusal) => return Ok(refuse(submission, refusal)),
        };
        self.count(id, submission, &decision)?;
        let after = Known { state: Arc::new(decision.state), customer: before.customer };
        self.write(id, submission, known.is_some(), &before.state, &after, &decision.messages)?;
        let lesson = match decision.lesson {
            Some(noted) => lesson::note(self.connection, id, submission.now, &noted)?,
            None => None,
        };
        let receipt = Receipt { lesson, ..receipt(submission, &after.state, &decision.messages) };
        let committed = Committed {
            conversation: id,
            control_changed: before.state.control != after.state.control,
            state: after.state,
            customer: after.customer,
            messages: decision.messages,
            changed: decision.changed,
            acknowledge: acknowledge(submission, receipt),
        };
        Ok((Outcome::Committed(Box::new(committed)), Ok(receipt)))
    }

    /// The message that a correction or retraction is about.
    fn subject(&self, id: ConversationId, command: &Command) -> rusqlite::Result<Option<Subject>> {
        let Command::Agent {
            action: AgentAction::Correct { seq, .. } | AgentAction::Retract { seq }, ..
        } = command
        else {
            return Ok(None);
        };
        message::subject(self.connection, id, *seq)
    }

    /// Counts what became of proposals, and writes what was changed about a message.
    fn count(
        &mut self,
        id: ConversationId,
        submission: &Submission,
        decision: &Decision,
    ) -> rusqlite::Result<()> {
        for (source, what) in &decision.uses {
            self.uses.add(submission.now, source, *what)?;
        }
        match &decision.changed {
            Some(changed) => message::update(self.connection, id, changed),
            None => Ok(()),
        }
    }

    fn write(
        &mut self,
        id: ConversationId,
        submission: &Submission,
        has_row: bool,
        before: &State,
        after: &Known,
        messages: &[Message],
    ) -> rusqlite::Result<()> {
        if !after.state.stored {
            return Ok(());
        }
        if !has_row {
            // At once: its messages refer to it.
            let token_hash = submission.visitor.as_ref().and_then(|visitor| visitor.token_hash.as_ref());
            conversation::insert(self.connection, id, token_hash, &after.state)?;
        }
        for message in messages {
            message::insert(self.connection, id, message, after.state.visit)?;
        }
        self.tally.replace(before, &after.state);
        if !has_row || *before != *after.state {
            self.changed.insert(id, after.clone());
        }
        Ok(())
    }

    /// Invariant 2: the same client id again returns the first answer and changes nothing. What counts is the text that was
    /// sent, whatever a correction or a retraction made of it.
    fn repeated(
        &self,
        id: ConversationId,
        command: &Command,
    ) -> rusqlite::Result<Option<Result<Receipt, Refusal>>> {
        let Some((author, client_id, text)) = client_id(command) else { return Ok(None) };
        let first = message::by_client_id(self.connection, id, author, client_id)?;
        Ok(first.map(|first| {
            let sent = first.change.as_ref().map_or(&first.text, |change| &change.original);
            if sent == text {
                Ok(Receipt { seq: first.seq, revision: first.revision, at: first.at, lesson: None })
            } else {
                Err(Refusal::new(Code::IdReused, "This id was used for another message; choose a new one."))
            }
        }))
    }

    fn answer_again(
        &self,
        submission: &Submission,
        known: Option<Known>,
        answer: Result<Receipt, Refusal>,
    ) -> (Outcome, Result<Receipt, Refusal>) {
        match (answer, known) {
            (Ok(receipt), Some(known)) => {
                let committed = Committed {
                    conversation: submission.conversation,
                    state: known.state,
                    customer: known.customer,
                    messages: Vec::new(),
                    changed: None,
                    control_changed: false,
                    acknowledge: acknowledge(submission, receipt),
                };
                (Outcome::Committed(Box::new(committed)), Ok(receipt))
            }
            (Err(refusal), _) => refuse(submission, refusal),
            (Ok(_), None) => refuse(submission, not_asked()),
        }
    }

    fn seen(&mut self, seen: &Seen) -> rusqlite::Result<Option<Committed>> {
        let id = seen.conversation;
        if *seen.epoch != *self.epoch {
            return Ok(None);
        }
        let Some(known) = self.load(id)? else { return Ok(None) };
        let mut state = State::clone(&known.state);
        let mut customer = Customer::clone(&known.customer);
        if let Some(facts) = &seen.facts {
            if seen.now.since(customer.last_seen_at) > VISIT_GAP_MS {
                state.visit = state.visit.saturating_add(1);
                customer.visits = state.visit;
            }
            learn(&mut customer, facts);
        }
        customer.last_seen_at = seen.now;
        state.delivered_seq = state.delivered_seq.max(seen.delivered.min(state.last_seq));
        let after = Known { state: Arc::new(state), customer: Arc::new(customer) };
        self.changed.insert(id, after.clone());
        Ok(Some(Committed {
            conversation: id,
            state: after.state,
            customer: after.customer,
            messages: Vec::new(),
            changed: None,
            control_changed: false,
            acknowledge: None,
        }))
    }
}

/// New facts replace old ones; what a connection does not tell stays.
fn learn(customer: &mut Customer, facts: &Customer) {
    for (known, told) in [
        (&mut customer.name, &facts.name),
        (&mut customer.email, &facts.email),
        (&mut customer.locale, &facts.locale),
        (&mut customer.page, &facts.page),
        (&mut customer.user_agent, &facts.user_agent),
        (&mut customer.address, &facts.address),
    ] {
        if told.is_some() {
            known.clone_from(told);
        }
    }
    customer.language = facts.language;
}

fn visitor(submission: &Submission) -> Option<Known> {
    let visitor = submission.visitor.as_ref()?;
    Some(Known { state: Arc::new(State::new(visitor.since)), customer: Arc::new(visitor.customer.clone()) })
}

/// The author, client id and text of a command that can be repeated.
fn client_id(command: &Command) -> Option<(Author, &str, &str)> {
    match command {
        Command::CustomerMessage { client_id: Some(id), text, .. } => Some((Author::Customer, id, text)),
        Command::Agent { action: AgentAction::Send { client_id, text }, .. } => {
            Some((Author::Agent, client_id, text))
        }
        Command::Agent { action: AgentAction::Note { client_id, text }, .. } => {
            Some((Author::Note, client_id, text))
        }
        _ => None,
    }
}

/// The message that the command itself added, among those that came with it.
fn receipt(submission: &Submission, state: &State, messages: &[Message]) -> Receipt {
    let author = match &submission.command {
        Command::CustomerMessage { .. } => Some(Author::Customer),
        Command::Agent { action: AgentAction::Send { .. }, .. } => Some(Author::Agent),
        Command::Agent { action: AgentAction::Note { .. }, .. } => Some(Author::Note),
        _ => None,
    };
    let own = messages.iter().find(|message| Some(message.author) == author);
    own.map_or(
        Receipt { seq: state.last_seq, revision: state.revision, at: submission.now, lesson: None },
        |message| Receipt { seq: message.seq, revision: message.revision, at: message.at, lesson: None },
    )
}

fn acknowledge(submission: &Submission, receipt: Receipt) -> Option<(ConnectionId, Option<String>, Receipt)> {
    let Command::CustomerMessage { client_id, .. } = &submission.command else { return None };
    submission.connection.map(|connection| (connection, client_id.clone(), receipt))
}

fn refuse(submission: &Submission, refusal: Refusal) -> (Outcome, Result<Receipt, Refusal>) {
    let refused = Refused {
        conversation: submission.conversation,
        connection: submission.connection,
        client_id: client_id(&submission.command).map(|(_, id, _)| id.to_owned()),
        refusal: refusal.clone(),
    };
    (Outcome::Refused(refused), Err(refusal))
}

fn not_asked() -> Refusal {
    Refusal::new(Code::Internal, "The desk has no answer to this; please report it.")
}
