//! One conversation as a file, part by part: no answer grows with the length of a thread.

use deskbell_protocol::agent::Response;
use deskbell_protocol::entity::{Author, Conversation, Message};
use deskbell_protocol::upkeep::ExportFormat;
use deskbell_protocol::{Code, ConversationId, Refusal, Seq, limits};

use super::Desk;
use super::calls::unread;

/// Bytes of a part, about; a message more than fits goes into the next.
const PART_BYTES: usize = 256 * 1024;

impl Desk {
    pub(super) async fn export(
        &self,
        id: ConversationId,
        format: ExportFormat,
        after: Option<Seq>,
    ) -> Result<Response, Refusal> {
        let entry = self.readers().conversation(id).await.map_err(unread)?;
        let mut described = self.hub().describe(entry.into_iter().collect());
        let mut conversation = described.pop().ok_or_else(|| {
            Refusal::new(Code::NoSuchConversation, "There is no such conversation (any more).")
        })?;
        conversation.connections.clear();
        let from = after.unwrap_or(Seq(0));
        let page = self.readers().thread_after(id, from, limits::THREAD_PAGE + 1).await.map_err(unread)?;
        let (ending, extension) = match format {
            ExportFormat::Json => ("\n]}\n", "json"),
            ExportFormat::Text => ("", "txt"),
        };
        let mut part = if after.is_none() { head(&conversation, format)? } else { String::new() };
        let mut last = from;
        let mut written = 0;
        for (message, date) in page.iter().take(limits::THREAD_PAGE as usize) {
            if part.len() > PART_BYTES {
                break;
            }
            match format {
                ExportFormat::Json => {
                    part.push_str(if last == Seq(0) { "\n" } else { ",\n" });
                    part.push_str(&json(message)?);
                }
                ExportFormat::Text => part.push_str(&text(message, date, &conversation)),
            }
            last = message.seq;
            written += 1;
        }
        let next = (written < page.len()).then_some(last);
        if next.is_none() {
            part.push_str(ending);
        }
        Ok(Response::Exported { name: format!("conversation-{}.{extension}", id.0), part, next })
    }
}

fn head(conversation: &Conversation, format: ExportFormat) -> Result<String, Refusal> {
    match format {
        ExportFormat::Json => Ok(format!("{{\"conversation\":{},\"messages\":[", json(conversation)?)),
        ExportFormat::Text => {
            let customer = &conversation.customer;
            let told = [&customer.name, &customer.email, &customer.page, &customer.address];
            let told: Vec<_> = told.into_iter().flatten().map(|fact| limits::preview(fact)).collect();
            Ok(format!("Conversation {}\n{}\nTimes are UTC.\n\n", conversation.id.0, told.join(" · ")))
        }
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|error| {
        tracing::error!(%error, "an export does not serialize");
        Refusal::new(Code::Internal, "The desk could not write this; please report it.")
    })
}

fn text(message: &Message, date: &str, conversation: &Conversation) -> String {
    let name = message.name.as_deref();
    let who = match message.author {
        Author::Customer => conversation.customer.name.as_deref().unwrap_or("Customer").to_owned(),
        Author::Automatic => "Automatic reply".to_owned(),
        Author::Agent => name.unwrap_or("Agent").to_owned(),
        Author::Note => format!("Note by {}", name.unwrap_or("an agent")),
        Author::System => "—".to_owned(),
    };
    let said = match &message.system {
        Some(line) => serde_json::to_string(line).unwrap_or_default(),
        None => message.text.replace('\n', "\n    "),
    };
    format!("{date}  {}: {said}\n", limits::preview(&who))
}
