//! Whether somebody is at this machine, by the system's time since the last input; the desk is told when it changes.
//! Who acts at another console meanwhile is there as well.

use std::time::Duration;

use deskbell_protocol::Timestamp;
use deskbell_server::{Desk, idle_minute, now};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(5);
/// How long the system may take to tell.
const ANSWER: Duration = Duration::from_secs(3);

/// Looks for as long as the app runs. While the settings ask for it and the system can tell, nobody is at the console
/// after as many minutes without input; otherwise only the agent says so.
pub(crate) async fn attend(desk: Desk) {
    let minute = idle_minute();
    let mut is_idle = false;
    // What cannot be told once is not asked for again until it is switched on again: a system that does not answer
    // would collect questions.
    let mut given_up = false;
    loop {
        tokio::time::sleep(LOOK.min(minute / 4)).await;
        let after = desk.settings().responder.away_after_minutes;
        let was_idle = is_idle;
        if after == 0 {
            (is_idle, given_up) = (false, false);
        } else if !given_up {
            match without_input().await {
                Ok(time) => is_idle = time.min(since(desk.last_act())) >= minute * after,
                Err(sentence) => {
                    tracing::warn!("{sentence} Whether you are away is set by hand only.");
                    (is_idle, given_up) = (false, true);
                }
            }
        }
        if is_idle != was_idle {
            desk.set_idle(is_idle);
        }
    }
}

fn since(act: Timestamp) -> Duration {
    Duration::from_millis(now().since(act).max(0).unsigned_abs())
}

/// The time since the last input of the person at this machine.
///
/// # Errors
/// A sentence: this system cannot tell, or does not in time.
#[cfg(target_os = "linux")]
async fn without_input() -> Result<Duration, &'static str> {
    let answer = async {
        // Under Wayland, X sees only what is typed into X windows.
        if std::env::var_os("WAYLAND_DISPLAY").is_some_and(|display| !display.is_empty()) {
            wayland().await
        } else {
            x11().await
        }
    };
    let too_late = "The system does not tell in time when there was input last.";
    tokio::time::timeout(ANSWER, answer).await.unwrap_or(Err(too_late))
}

#[cfg(not(target_os = "linux"))]
async fn without_input() -> Result<Duration, &'static str> {
    Err("On this system it is not known when there was input last.")
}

/// The screen saver extension of X, asked on a thread of its own, since X may block.
#[cfg(target_os = "linux")]
async fn x11() -> Result<Duration, &'static str> {
    use x11rb::connection::Connection as _;
    use x11rb::protocol::screensaver::ConnectionExt as _;

    fn ask() -> Option<Duration> {
        let (connection, screen) = x11rb::connect(None).ok()?;
        let root = connection.setup().roots.get(screen)?.root;
        let info = connection.screensaver_query_info(root).ok()?.reply().ok()?;
        Some(Duration::from_millis(u64::from(info.ms_since_user_input)))
    }

    let unknown = "This X server does not tell when there was input last.";
    let (done, answer) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("idle".to_owned());
    let looking = thread.spawn(move || {
        let _gone = done.send(ask());
    });
    looking.map_err(|_| unknown)?;
    answer.await.ok().flatten().ok_or(unknown)
}

/// GNOME tells over the session's bus; no other compositor has an answer to one question.
#[cfg(target_os = "linux")]
async fn wayland() -> Result<Duration, &'static str> {
    let asked = async {
        let bus = zbus::Connection::session().await?;
        let reply = bus
            .call_method(
                Some("org.gnome.Mutter.IdleMonitor"),
                "/org/gnome/Mutter/IdleMonitor/Core",
                Some("org.gnome.Mutter.IdleMonitor"),
                "GetIdletime",
                &(),
            )
            .await?;
        reply.body().deserialize::<u64>()
    };
    let milliseconds =
        asked.await.map_err(|_: zbus::Error| "This desktop does not tell when there was input last.")?;
    Ok(Duration::from_millis(milliseconds))
}
