//! What stands until somebody changes it, and is told to consoles when they do: settings, the responder, who is away, where
//! the desk listens, and what does not work.

use std::sync::Arc;

use deskbell_desk::Responder;
use deskbell_protocol::agent::Update;
use deskbell_protocol::entity::{ActivityKind, HeldReply, Listening};
use deskbell_protocol::settings::{Settings, WhileAway};
use deskbell_protocol::upkeep::DataProblem;
use deskbell_store::Found;

use super::Hub;
use crate::activity::Place;
use crate::leaving::is_left;

/// What stands now.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) settings: Arc<Settings>,
    responder: Arc<Responder>,
    /// Offers to learn that nobody has dealt with.
    lessons: u32,
    away: Away,
    listening: Listening,
    alerts_problem: Option<String>,
    backups_problem: Option<DataProblem>,
    /// That the database is damaged. Stays until another one takes its place, whatever becomes of backups.
    damage: Option<DataProblem>,
}

impl Standing {
    /// At the start.
    pub(super) fn new(found: &Found) -> Self {
        Self {
            settings: Arc::new(found.settings.clone()),
            responder: Arc::new(Responder::new(found.rules.clone(), found.answers.clone())),
            lessons: found.lessons,
            away: Away::default(),
            listening: Listening::Stopped {},
            alerts_problem: None,
            backups_problem: None,
            damage: None,
        }
    }

    /// After another database took the place of this one. The chain is passed in because making it takes a while.
    pub(super) fn restored(&mut self, found: &Found, responder: Arc<Responder>) {
        self.settings = Arc::new(found.settings.clone());
        self.responder = responder;
        self.lessons = found.lessons;
        self.damage = None;
    }

    fn data_problem(&self) -> Option<DataProblem> {
        self.damage.clone().or_else(|| self.backups_problem.clone())
    }
}

/// Whether somebody is at the console.
#[derive(Debug, Default, Clone, Copy)]
struct Away {
    /// An agent said so.
    by_hand: bool,
    /// There was no input on this machine for as long as the settings say.
    idle: bool,
}

impl Away {
    fn is_away(self) -> bool {
        self.by_hand || self.idle
    }
}

impl Standing {
    /// Whether a reply is held that is not to wait, since nobody is there: it was on its way when the last agent left.
    pub(super) fn leaves(&self, held: Option<&HeldReply>) -> bool {
        let waits = self.settings.responder.while_away == WhileAway::Hold;
        self.away.is_away() && !waits && held.is_some_and(is_left)
    }
}

impl Hub {
    /// What is wrong with the data or its backups.
    pub(crate) fn data_problem(&self) -> Option<DataProblem> {
        self.lock().standing.data_problem()
    }

    /// Tells consoles that there are other backups than before, or why there are not.
    pub(crate) fn set_backups_problem(&self, problem: Option<DataProblem>) {
        self.change_data_problem(|standing| standing.backups_problem = problem);
    }

    /// Tells consoles that the database is damaged.
    pub(crate) fn set_damage(&self, damage: DataProblem) {
        self.change_data_problem(|standing| standing.damage = Some(damage));
    }

    fn change_data_problem(&self, change: impl FnOnce(&mut Standing)) {
        let mut inner = self.lock();
        change(&mut inner.standing);
        let problem = inner.standing.data_problem();
        inner.tell(Update::BackupsChanged { problem });
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.lock().standing.settings)
    }

    pub(crate) fn set_settings(&self, settings: Arc<Settings>) {
        let mut inner = self.lock();
        inner.tell(Update::Settings { settings: Box::new(Settings::clone(&settings)) });
        inner.standing.settings = settings;
    }

    /// The chain as it is now.
    pub(crate) fn responder(&self) -> Arc<Responder> {
        Arc::clone(&self.lock().standing.responder)
    }

    /// Puts a new chain in force and tells consoles.
    pub(crate) fn set_responder(&self, responder: Arc<Responder>) {
        let mut inner = self.lock();
        inner.standing.responder = responder;
        inner.tell(Update::Responder {});
    }

    /// Offers to learn that nobody has dealt with.
    pub(crate) fn lessons(&self) -> u32 {
        self.lock().standing.lessons
    }

    pub(crate) fn set_lessons(&self, waiting: u32) {
        let mut inner = self.lock();
        if inner.standing.lessons != waiting {
            inner.standing.lessons = waiting;
            inner.tell(Update::Lessons { waiting });
        }
    }

    /// Whether nobody is at the console.
    pub(crate) fn is_away(&self) -> bool {
        self.lock().standing.away.is_away()
    }

    pub(crate) fn set_away(&self, by_hand: bool) {
        self.change_away(|away| away.by_hand = by_hand);
    }

    pub(crate) fn set_idle(&self, idle: bool) {
        self.change_away(|away| away.idle = idle);
    }

    fn change_away(&self, change: impl FnOnce(&mut Away)) {
        let mut inner = self.lock();
        let before = inner.standing.away.is_away();
        change(&mut inner.standing.away);
        let away = inner.standing.away.is_away();
        if away != before {
            inner.tell(Update::Away { away });
        }
        if away && !before {
            self.left.notify_one();
        }
    }

    /// Waits until replies are held for agents who are not there.
    pub(crate) async fn left(&self) {
        self.left.notified().await;
    }

    pub(crate) fn listening(&self) -> Listening {
        self.lock().standing.listening.clone()
    }

    pub(crate) fn set_listening(&self, listening: Listening) {
        let mut inner = self.lock();
        inner.standing.listening = listening.clone();
        let kind = match &listening {
            Listening::Listening { .. } => Some(ActivityKind::Listening {}),
            Listening::Failed { message, message_zh, .. } => {
                Some(ActivityKind::ListenFailed { error: message.clone(), error_zh: message_zh.clone() })
            }
            Listening::Stopped {} => None,
        };
        let address = match &listening {
            Listening::Listening { address, .. } | Listening::Failed { address, .. } => Some(address.clone()),
            Listening::Stopped {} => None,
        };
        if let Some(kind) = kind {
            inner.note(kind, Place { address, ..Place::default() });
        }
        inner.tell(Update::Listening { listening });
    }

    pub(crate) fn alerts_problem(&self) -> Option<String> {
        self.lock().standing.alerts_problem.clone()
    }

    pub(crate) fn set_alerts_problem(&self, problem: Option<String>) {
        let mut inner = self.lock();
        if inner.standing.alerts_problem != problem {
            inner.standing.alerts_problem.clone_from(&problem);
            inner.tell(Update::AlertsProblem { problem });
        }
    }
}
