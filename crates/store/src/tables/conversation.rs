//! Conversations: the state that decisions are made from, and what is known about the customer. One row each, made at
//! the first message, so that idle visitors cost no disk.

use deskbell_desk::State;
use deskbell_protocol::agent::{Cursor, Filter};
use deskbell_protocol::entity::{Author, Customer, LastLine};
use deskbell_protocol::{ConversationId, HeldId, Revision, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{from_json, from_json_or_null, from_word, json, json_or_null, word};
use crate::entry::Entry;

pub(crate) const CREATE: &str = "
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    token_hash BLOB UNIQUE,
    status TEXT NOT NULL,
    control TEXT NOT NULL,
    control_version INTEGER NOT NULL,
    hold TEXT,
    revision INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_customer_seq INTEGER NOT NULL,
    answered_seq INTEGER NOT NULL,
    held TEXT,
    discarded TEXT,
    last_held INTEGER NOT NULL,
    needs_human TEXT,
    needs_me INTEGER NOT NULL,
    waiting_since INTEGER,
    unread INTEGER NOT NULL,
    agent_read_seq INTEGER NOT NULL,
    customer_read_seq INTEGER NOT NULL,
    visit INTEGER NOT NULL,
    fallback_visit INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    last_author TEXT,
    last_text TEXT,
    last_at INTEGER,
    created_at INTEGER NOT NULL,
    last_activity_at INTEGER NOT NULL,
    customer TEXT NOT NULL
) STRICT;
CREATE INDEX conversation_activity ON conversation (status, last_activity_at DESC, id DESC);
CREATE INDEX conversation_needs_me ON conversation (last_activity_at DESC, id DESC) WHERE needs_me = 1;
CREATE INDEX conversation_held ON conversation (last_activity_at DESC, id DESC) WHERE held IS NOT NULL;
";

/// Format 2: what the responder's chain left on a conversation.
pub(crate) const CHAIN: &str = "
ALTER TABLE conversation ADD COLUMN suggestion TEXT;
ALTER TABLE conversation ADD COLUMN answered_by TEXT;
ALTER TABLE conversation ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE conversation ADD COLUMN away_visit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN spoken_visit INTEGER NOT NULL DEFAULT 0;
CREATE INDEX conversation_waiting ON conversation (waiting_since) WHERE control = 'human' AND waiting_since IS NOT NULL;
";

/// Format 3: up to where messages have reached the customer.
pub(crate) const DELIVERED: &str =
    "ALTER TABLE conversation ADD COLUMN delivered_seq INTEGER NOT NULL DEFAULT 0;";

/// Format 4: since when an agent has control, and what an answer by hand would teach.
pub(crate) const OVERRIDING: &str = "
ALTER TABLE conversation ADD COLUMN human_since INTEGER;
ALTER TABLE conversation ADD COLUMN caught TEXT;
";

/// Makes the row, with the hash of the customer's token; [`save`] must follow in the same transaction.
pub(crate) fn insert(
    connection: &Connection,
    id: ConversationId,
    token_hash: Option<&[u8; 32]>,
    state: &State,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO conversation (
                 id, token_hash, status, control, control_version, revision, last_seq, last_customer_seq, answered_seq,
                 last_held, needs_me, unread, agent_read_seq, customer_read_seq, visit, fallback_visit, messages,
                 created_at, last_activity_at, customer)
             VALUES (?1, ?2, 'open', 'automatic', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?3, 0, '{}')",
        )?
        .execute(params![id.0, token_hash, state.created_at.0])
        .map(drop)
}

/// Writes everything but the id, the token and the time of creation.
pub(crate) fn save(
    connection: &Connection,
    id: ConversationId,
    state: &State,
    customer: &Customer,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE conversation SET
                 status = :status, control = :control, control_version = :control_version, hold = :hold,
                 revision = :revision, last_seq = :last_seq, last_customer_seq = :last_customer_seq,
                 answered_seq = :answered_seq, held = :held, discarded = :discarded, last_held = :last_held,
                 needs_human = :needs_human, needs_me = :needs_me, waiting_since = :waiting_since, unread = :unread,
                 agent_read_seq = :agent_read_seq, customer_read_seq = :customer_read_seq, visit = :visit,
                 fallback_visit = :fallback_visit, messages = :messages, last_author = :last_author,
                 last_text = :last_text, last_at = :last_at, last_activity_at = :last_activity_at,
                 customer = :customer, suggestion = :suggestion, answered_by = :answered_by, labels = :labels,
                 away_visit = :away_visit, spoken_visit = :spoken_visit, delivered_seq = :delivered_seq,
                 human_since = :human_since, caught = :caught
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": id.0,
            ":status": word(state.status)?,
            ":control": word(state.control)?,
            ":control_version": state.control_version,
            ":hold": json_or_null(state.hold.as_ref())?,
            ":revision": state.revision.0,
            ":last_seq": state.last_seq.0,
            ":last_customer_seq": state.last_customer_seq.0,
            ":answered_seq": state.answered_seq.0,
            ":held": json_or_null(state.held.as_ref())?,
            ":discarded": json_or_null(state.discarded.as_ref())?,
            ":last_held": state.last_held.0,
            ":needs_human": json_or_null(state.needs_human.as_ref())?,
            ":needs_me": state.needs_me(),
            ":waiting_since": state.waiting_since.map(|at| at.0),
            ":unread": state.unread,
            ":agent_read_seq": state.agent_read_seq.0,
            ":customer_read_seq": state.customer_read_seq.0,
            ":visit": state.visit,
            ":fallback_visit": state.fallback_visit,
            ":messages": state.messages,
            ":last_author": state.last.as_ref().map(|last| word(last.author)).transpose()?,
            ":last_text": state.last.as_ref().map(|last| last.text.as_str()),
            ":last_at": state.last.as_ref().map(|last| last.at.0),
            ":last_activity_at": state.last_activity_at.0,
            ":customer": json(customer)?,
            ":suggestion": json_or_null(state.suggestion.as_ref())?,
            ":answered_by": json_or_null(state.answered_by.as_ref())?,
            ":labels": json(&state.labels)?,
            ":away_visit": state.away_visit,
            ":spoken_visit": state.spoken_visit,
            ":delivered_seq": state.delivered_seq.0,
            ":human_since": state.human_since.map(|at| at.0),
            ":caught": json_or_null(state.caught.as_ref())?,
        })
        .map(drop)
}

pub(crate) fn load(
    connection: &Connection,
    id: ConversationId,
) -> rusqlite::Result<Option<(State, Customer)>> {
    connection
        .prepare_cached("SELECT * FROM conversation WHERE id = ?1")?
        .query_row([id.0], |row| Ok((read_state(row)?, from_json(row, "customer")?)))
        .optional()
}

/// Whose token this is.
pub(crate) fn by_token(connection: &Connection, hash: &[u8; 32]) -> rusqlite::Result<Option<ConversationId>> {
    connection
        .prepare_cached("SELECT id FROM conversation WHERE token_hash = ?1")?
        .query_row([hash.as_slice()], |row| row.get(0).map(ConversationId))
        .optional()
}

/// What tells a conversation from another one with the same id in another database.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    token_hash: Option<Vec<u8>>,
    created_at: i64,
}

/// Who this is, if there is such a row.
pub(crate) fn identity(connection: &Connection, id: ConversationId) -> rusqlite::Result<Option<Identity>> {
    connection
        .query_row("SELECT token_hash, created_at FROM conversation WHERE id = ?1", [id.0], |row| {
            Ok(Identity { token_hash: row.get(0)?, created_at: row.get(1)? })
        })
        .optional()
}

/// The same customer's conversation in a backup: by token, or where there is none by id and time.
pub(crate) fn find_erased(
    connection: &Connection,
    id: ConversationId,
    identity: &Identity,
) -> rusqlite::Result<Option<ConversationId>> {
    connection
        .query_row(
            "SELECT id FROM conversation WHERE token_hash = ?1 OR (?1 IS NULL AND id = ?2 AND created_at = ?3)",
            params![identity.token_hash, id.0, identity.created_at],
            |row| row.get(0).map(ConversationId),
        )
        .optional()
}

/// Deletes the row, and with it everything that refers to it.
pub(crate) fn erase(connection: &Connection, id: ConversationId) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM conversation WHERE id = ?1", [id.0]).map(drop)
}

/// A page of the list.
pub(crate) fn page(
    connection: &Connection,
    filter: Filter,
    before: Option<Cursor>,
    limit: u32,
) -> rusqlite::Result<Vec<Entry>> {
    let condition = match filter {
        Filter::Open => "status = 'open'",
        Filter::NeedsMe => "needs_me = 1",
        Filter::Held => "held IS NOT NULL",
        Filter::Resolved => "status = 'resolved'",
    };
    let (at, id) = before.map_or((i64::MAX, i64::MAX), |cursor| (cursor.last_activity_at.0, cursor.id.0));
    connection
        .prepare_cached(&format!(
            "SELECT * FROM conversation WHERE {condition} AND (last_activity_at, id) < (?1, ?2)
             ORDER BY last_activity_at DESC, id DESC LIMIT ?3"
        ))?
        .query_map(params![at, id, limit], read_entry)?
        .collect()
}

/// Conversations whose customer's name, e-mail or page has this text, whatever the case of its ASCII letters, newest first.
pub(crate) fn search(connection: &Connection, text: &str, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    connection
        .prepare_cached(
            "SELECT * FROM conversation
             WHERE instr(lower(customer ->> 'name'), lower(?1)) > 0
                OR instr(lower(customer ->> 'email'), lower(?1)) > 0
                OR instr(lower(customer ->> 'page'), lower(?1)) > 0
             ORDER BY last_activity_at DESC LIMIT ?2",
        )?
        .query_map(params![text, limit], read_entry)?
        .collect()
}

/// With a held reply or a suggestion.
pub(crate) fn with_proposal(connection: &Connection) -> rusqlite::Result<Vec<ConversationId>> {
    connection
        .prepare("SELECT id FROM conversation WHERE held IS NOT NULL OR suggestion IS NOT NULL")?
        .query_map([], |row| row.get(0).map(ConversationId))?
        .collect()
}

/// Under human control since before `since`, with a customer who has waited since then, too; longest first.
pub(crate) fn unanswered(
    connection: &Connection,
    since: Timestamp,
    limit: u32,
) -> rusqlite::Result<Vec<Entry>> {
    connection
        .prepare_cached(
            "SELECT * FROM conversation
             WHERE control = 'human' AND waiting_since <= ?1 AND coalesce(human_since, 0) <= ?1
             ORDER BY waiting_since LIMIT ?2",
        )?
        .query_map(params![since.0, limit], read_entry)?
        .collect()
}

/// The last conversations, newest activity first.
pub(crate) fn last(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    connection
        .prepare_cached("SELECT * FROM conversation ORDER BY last_activity_at DESC, id DESC LIMIT ?1")?
        .query_map([limit], read_entry)?
        .collect()
}

pub(crate) fn next_id(connection: &Connection) -> rusqlite::Result<ConversationId> {
    connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM conversation", [], |row| {
        row.get(0).map(ConversationId)
    })
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: ConversationId(row.get("id")?),
        state: read_state(row)?,
        customer: from_json(row, "customer")?,
    })
}

fn read_state(row: &Row<'_>) -> rusqlite::Result<State> {
    Ok(State {
        stored: true,
        status: from_word(row, "status")?,
        control: from_word(row, "control")?,
        control_version: row.get("control_version")?,
        human_since: row.get::<_, Option<i64>>("human_since")?.map(Timestamp),
        hold: from_json_or_null(row, "hold")?,
        revision: Revision(row.get("revision")?),
        last_seq: Seq(row.get("last_seq")?),
        last_customer_seq: Seq(row.get("last_customer_seq")?),
        answered_seq: Seq(row.get("answered_seq")?),
        held: from_json_or_null(row, "held")?,
        discarded: from_json_or_null(row, "discarded")?,
        last_held: HeldId(row.get("last_held")?),
        needs_human: from_json_or_null(row, "needs_human")?,
        waiting_since: row.get::<_, Option<i64>>("waiting_since")?.map(Timestamp),
        unread: row.get("unread")?,
        agent_read_seq: Seq(row.get("agent_read_seq")?),
        delivered_seq: Seq(row.get("delivered_seq")?),
        customer_read_seq: Seq(row.get("customer_read_seq")?),
        visit: row.get("visit")?,
        fallback_visit: row.get("fallback_visit")?,
        away_visit: row.get("away_visit")?,
        spoken_visit: row.get("spoken_visit")?,
        suggestion: from_json_or_null(row, "suggestion")?,
        answered_by: from_json_or_null(row, "answered_by")?,
        caught: from_json_or_null(row, "caught")?,
        labels: from_json(row, "labels")?,
        messages: row.get("messages")?,
        last: read_last(row)?,
        created_at: Timestamp(row.get("created_at")?),
        last_activity_at: Timestamp(row.get("last_activity_at")?),
    })
}

fn read_last(row: &Row<'_>) -> rusqlite::Result<Option<LastLine>> {
    let Some(text) = row.get::<_, Option<String>>("last_text")? else { return Ok(None) };
    let author: Author = from_word(row, "last_author")?;
    let at = row.get::<_, Option<i64>>("last_at")?.unwrap_or_default();
    Ok(Some(LastLine { author, text, at: Timestamp(at) }))
}
