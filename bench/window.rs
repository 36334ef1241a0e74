//! The real window under load.
pub(crate) async fn run() {}
