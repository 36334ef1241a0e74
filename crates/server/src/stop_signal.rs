//! What the system says when the process is to end.

/// Waits for Ctrl-C or, on Unix, SIGTERM. Both are heard from the call on rather than from the first poll: until then
/// either kills the process where it stands.
///
/// # Errors
/// The system does not let the process hear signals.
///
/// # Panics
/// Outside a tokio runtime.
#[cfg(unix)]
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits for Ctrl-C, which is heard from the call on.
///
/// # Errors
/// The system does not let the process hear it.
#[cfg(windows)]
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
